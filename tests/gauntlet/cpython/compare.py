# SPDX-License-Identifier: Apache-2.0
"""A CPython test module bare and watched: the same outcome of every single test.

compare.py WORK PYTHON RUNNER MODULE WATCHER...: RUNNER is __main__.py's directory, WATCHER is the
command that the watched run is put behind; {} in it is a path of that run's own.
Exit 0: the same; 1: not; 77: the module is not there. What differs is run again, both ways in turn:
the machine's doing is what comes and goes bare, too, and what never shows again; a test whose bare
runs agree and whose watched runs do not is a difference. A test that never ends bare is left out of
the watched run: nothing can be said about it, and it is named.
"""
import ctypes
import os
import signal
import subprocess
import sys
import time

STILL_SECONDS = 60  # no outcome for so long: it hangs (the slowest tests take 15 s)
HANGS_MAX = 12
ROUNDS = 4
PR_SET_CHILD_SUBREAPER = 36
END = "(the end)"  # stands for the exit status: 3 when the module left something changed


class Run:
    """One module, with one watcher or none; started again behind every test that hangs."""

    def __init__(self, work, python, runner, module, watcher):
        self.work, self.python, self.runner = work, python, runner
        self.module, self.watcher = module, watcher
        self.outcomes, self.hung = {}, []
        self.names, self.left_out = None, set()
        self.starts = 0

    def only(self, names):
        self.names = sorted(names)
        return self

    def without(self, names):
        self.left_out = set(names)
        return self

    def command(self):
        call = [self.python, self.runner, f"{self.work}/results", "-v", "--fail-env-changed"]
        leave = sorted(self.left_out | set(self.outcomes) - {END} | set(self.hung))
        for option, names in (("--matchfile", self.names), ("--ignorefile", leave)):
            if names:
                path = f"{self.work}/{option.strip('-')}"
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(name + "\n" for name in names)
                call += [option, path]
        self.starts += 1
        own = f"{self.work}/watched-{self.starts}"
        return [word.replace("{}", own) for word in self.watcher] + call + [self.module]

    def collect(self):
        """Outcomes so far; the test that was begun last, when it has none."""
        begun = None
        try:
            with open(f"{self.work}/results", encoding="utf-8") as file:
                lines = file.read().split("\n")
        except FileNotFoundError:
            return None
        for line in lines[:-1]:
            word, name = line.split(" ", 1)
            if word == "begin":
                begun = name
                continue
            if begun == name:
                begun = None
            said = self.outcomes.get(name)
            if said and word not in said.split("+"):
                word = "+".join(sorted({*said.split("+"), word} - {"ok"}))
            self.outcomes[name] = word
        return begun

    def until_still(self, process):
        seen, since = 0, time.monotonic()
        while True:
            try:
                return process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                pass
            try:
                size = os.stat(f"{self.work}/results").st_size
            except FileNotFoundError:
                size = 0
            if size != seen:
                seen, since = size, time.monotonic()
            elif time.monotonic() - since > STILL_SECONDS:
                return None

    def start(self, log):
        for name in ("results", "tmp"):
            subprocess.run(["rm", "-rf", f"{self.work}/{name}"], check=True)
        os.mkdir(f"{self.work}/tmp")
        return subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=f"{self.work}/tmp",
            env=dict(os.environ, TMPDIR=f"{self.work}/tmp"), start_new_session=True)

    def go(self):
        os.makedirs(self.work, exist_ok=True)
        with open(f"{self.work}/output", "ab") as log:
            while True:
                process = self.start(log)
                status = self.until_still(process)
                end_all(process)
                begun = self.collect()
                if status is not None:
                    self.outcomes[END] = f"exit {status}"
                    return self
                self.hung.append(begun or f"between tests, behind {len(self.outcomes)} outcomes")
                if not begun or len(self.hung) > HANGS_MAX:
                    self.outcomes[END] = "given up"
                    return self


def children_of(pid):
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == pid:
                    found.append(int(entry))
        except (OSError, IndexError, ValueError):
            pass
    return found


def end_all(process):
    """What was started and whatever it left behind: as their reaper we inherit the orphans."""
    for _ in range(200):
        left = children_of(os.getpid())
        if not left:
            break
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
                if pid != process.pid:
                    os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        if process.poll() is None:
            process.wait()


def differing(bare, watched):
    names = set(bare.outcomes) | set(watched.outcomes) | set(watched.hung)
    return {name for name in names - bare.left_out - set(bare.hung)
            if bare.outcomes.get(name) != watched.outcomes.get(name)}


def told(run, name):
    return "hangs" if name in run.hung else run.outcomes.get(name, "no outcome")


def base_of(name):
    """A failed subtest is run again as the test it is in."""
    return name.split(" ", 1)[0]


class Comparison:
    def __init__(self, work, python, runner, module, watcher):
        self.arguments = python, runner, module
        self.work, self.watcher = work, watcher
        self.count = 0

    def run(self, is_watched):
        self.count += 1
        kind = "watched" if is_watched else "bare"
        return Run(f"{self.work}/{self.count}-{kind}", *self.arguments, self.watcher if is_watched else [])

    def again(self, names):
        """name -> ({outcomes bare}, [outcomes watched])"""
        seen = {name: (set(), []) for name in names}
        again = {base_of(name) for name in names if name != END}
        for _ in range(ROUNDS):
            for is_watched in (False, True):
                # The end of a part says nothing about the end of the whole.
                run = self.run(is_watched)
                run = (run if END in names else run.only(again)).go()
                for name, (bare, watched) in seen.items():
                    watched.append(told(run, name)) if is_watched else bare.add(told(run, name))
        return seen

    def judge(self, first, names):
        defects = 0
        for name, (bare, watched) in sorted(self.again(names).items()):
            was_bare, was_watched = first[name]
            bare.add(was_bare)
            strange = [outcome for outcome in watched if outcome not in bare]
            word = "differs" if strange else "comes and goes"
            defects += bool(strange)
            print(f"{word}: {name}: bare {', '.join(sorted(bare))}; "
                  f"watched {was_watched}, then {', '.join(watched)}")
        return defects

    def go(self):
        bare = self.run(False).go()
        watched = self.run(True).without(bare.hung).go()
        for name in bare.hung:
            print(f"left out, it never ends bare: {name}")
        outcomes = [outcome for name, outcome in bare.outcomes.items() if name != END]
        print(f"{self.arguments[-1]}: {len(outcomes)} outcomes bare, "
              + ", ".join(f"{outcomes.count(word)} {word}" for word in sorted(set(outcomes))))
        if bare.outcomes.get(END) == "given up" or not outcomes.count("ok"):
            print("the bare run came to nothing")
            return 1
        names = differing(bare, watched)
        if not names:
            return 0
        first = {name: (told(bare, name), told(watched, name)) for name in names}
        return 1 if self.judge(first, names) else 0


def main():
    work, python, runner, module, *watcher = sys.argv[1:]
    # Whoever started us in the background had interrupts ignored; tests want to be interrupted.
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        sys.exit("cannot become the reaper of what tests leave behind")
    found = subprocess.run([python, "-c", f"import test.support, test.{module}"],
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if found.returncode:
        print(f"{module} cannot be imported: {found.stderr.strip().splitlines()[-1]}")
        sys.exit(77)
    sys.exit(Comparison(work, python, runner, module, watcher).go())


if __name__ == "__main__":
    main()
