# SPDX-License-Identifier: Apache-2.0
"""Code under another's name: every function opens `path` from code that says it is `as_file`'s."""
import types

SOURCE = "def act(path):\n    with open(path) as file:\n        return file.read()\n"


def compiled(as_file):
    return compile(SOURCE, as_file, "exec")


def plain(path, as_file):
    space = {}
    exec(compiled(as_file), space)
    space["act"](path)


def into_module(path, as_file, module):
    """With the victim's own globals."""
    exec(compiled(as_file), module.__dict__)
    module.act(path)


def by_function(path, as_file):
    code = next(c for c in compiled(as_file).co_consts if isinstance(c, types.CodeType))
    types.FunctionType(code, {"__builtins__": __builtins__})(path)


def by_replace(path, as_file):
    def act(path):
        with open(path) as file:
            return file.read()

    types.FunctionType(act.__code__.replace(co_filename=as_file), globals())(path)


def by_assignment(path, as_file):
    def act(path):
        return None

    space = {}
    exec(compiled(as_file), space)
    act.__code__ = space["act"].__code__
    act(path)


def by_helper(path, as_file):
    """The import system's own way of calling exec."""
    import importlib._bootstrap

    space = {}
    importlib._bootstrap._call_with_frames_removed(exec, compiled(as_file), space)
    space["act"](path)


def by_loader(path, as_file):
    """A loader that makes its code up."""
    import importlib.machinery
    import types as kinds

    class Loader(importlib.machinery.SourceFileLoader):
        def get_code(self, name):
            return compiled(as_file)

    module = kinds.ModuleType("made_up")
    Loader("made_up", as_file).exec_module(module)
    module.act(path)


def by_frozen(path, as_file):
    plain(path, "<frozen importlib._bootstrap>")


def by_pyc(path, as_file):
    """A compiled module without source says itself what it was compiled from."""
    import importlib.util
    import marshal
    import os
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        name = os.path.join(directory, "made.pyc")
        with open(name, "wb") as file:
            file.write(importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(compiled(as_file)))
        spec = importlib.util.spec_from_file_location("made", name)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.act(path)


def by_thread(path, as_file):
    """exec with nobody but the standard library around it."""
    import threading

    thread = threading.Thread(target=exec, args=(compile(
        SOURCE + "act(%r)\n" % path, as_file, "exec"), {}))
    thread.start()
    thread.join()


def by_import(path, as_file):
    """Found by a finder of its own, under the name of a module of the victim's."""
    import importlib
    import importlib.abc
    import importlib.util
    import sys

    class Loader(importlib.abc.InspectLoader):
        def get_source(self, fullname):
            return SOURCE

        def get_code(self, fullname):
            return compiled(as_file)

    class Finder(importlib.abc.MetaPathFinder):
        def find_spec(self, fullname, path, target=None):
            if fullname != "http_demo.made_up":
                return None
            return importlib.util.spec_from_loader(fullname, Loader(), origin=as_file)

    sys.meta_path.insert(0, Finder())
    importlib.import_module("http_demo.made_up").act(path)
