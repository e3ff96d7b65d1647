# SPDX-License-Identifier: Apache-2.0
"""CPython's own test runner, with the outcome of every test noted in a file as it happens.

python3 DIRECTORY RESULTS ARGUMENT...: the arguments are those of `python3 -m test`. A line is
"begin ID" or "OUTCOME ID"; the file is opened for each line, so that no test finds a descriptor of
ours open.
"""
import os
import sys

from test.support import testresult

OUTCOMES = {
    "addSuccess": "ok",
    "addSkip": "skipped",
    "addFailure": "FAIL",
    "addError": "ERROR",
    "addExpectedFailure": "expected-failure",
    "addUnexpectedSuccess": "unexpected-success",
}


def name_of(test):
    name = test.id() if callable(getattr(test, "id", None)) else str(test)
    return " ".join(name.split())


def note(path, word, test):
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:  # a test that took all descriptors away: what it leaves is told
        sys.stderr.write(f"no room for {word} {name_of(test)}: {error}\n")
        return
    try:
        os.write(fd, f"{word} {name_of(test)}\n".encode("utf-8", "backslashreplace"))
    finally:
        os.close(fd)


def noted(path, pid):
    base = testresult.RegressionTestResult

    class NotedResult(base):
        def startTest(self, test):
            if os.getpid() == pid:
                note(path, "begin", test)
            super().startTest(test)

        def addSubTest(self, test, subtest, err):
            if err is not None and os.getpid() == pid:
                note(path, "FAIL" if issubclass(err[0], test.failureException) else "ERROR", subtest)
            super().addSubTest(test, subtest, err)

    def adder(method, word):
        def add(self, test, *details):
            if os.getpid() == pid:
                note(path, word, test)
            getattr(base, method)(self, test, *details)

        return add

    for method, word in OUTCOMES.items():
        setattr(NotedResult, method, adder(method, word))
    return NotedResult


def main():
    path = os.path.abspath(sys.argv.pop(1))
    testresult.RegressionTestResult = noted(path, os.getpid())
    from test.libregrtest import main as regrtest

    regrtest()


if __name__ == "__main__":
    main()
