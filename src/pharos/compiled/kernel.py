"""How a kernel is compiled and kept: the decorators of all compiled code.

numba compiles every function by itself, optimises it together with everything below it, and makes machine
code of it: a primitive is then optimised once for each of its callers, and again for theirs. Here a kernel
that is called by another stays LLVM's plain code (`_Part`); only what Python calls is optimised, once, with
all that it calls (`_Whole`). So a tree of kernels costs what its source is worth, not its depth times that.

What Python calls is kept on disk by its content: the code of the kernel and of everything that it reaches,
the types of its arguments, the processor, and the versions of the compiler. A copy, a clone or a layer of an
image keeps what was compiled, and an edit of a primitive reaches all its callers. A wheel brings code for the
processor's family along (`warm/shipping.py`), which is taken where nothing was compiled for this one.

numba's inside is used here and nowhere else, so its version is pinned in pyproject.toml.
"""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import pickle
import re
import tempfile
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar, cast

import llvmlite
import llvmlite.binding as llvm
import numba
from numba import types
from numba.core import cgutils, config, serialize, sigutils, typing
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler, CompileResult
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import _FunctionCompiler  # type: ignore[attr-defined]
from numba.core.registry import CPUDispatcher
from numba.core.runtime import rtsys
from numba.misc.appdirs import AppDirs

from pharos.compiled.fingerprint import Fingerprints
from pharos.compiled.processor import Processor, family_of

_Function = TypeVar("_Function", bound=Callable[..., Any])

KERNELS: Final[list[Kernel]] = []
"""Every kernel of the modules that are imported."""

SHIPPED: Final = Path(__file__).with_name("shipped")
"""Code that came along with the package; a checkout has none."""
KEPT_IN: Final = "pharos"
"""The folder below NUMBA_CACHE_DIR that is ours."""

_DIGEST_BYTES: Final = 32
"""A file begins with the SHA-256 of the rest."""
_STALE_S: Final = 30 * 86_400
"""Compiled code of a kernel that was edited is removed after so long: until then a checkout may go back."""


_DECLARED: Final = re.compile(r"^declare .*\n", re.MULTILINE)
_COUNTING: Final = re.compile(r'^.*call void @"?NRT_(?:inc|dec)ref"?\(.*\n', re.MULTILINE)


class _Part(JITCodeLibrary):  # type: ignore[misc]
    """A kernel as others call it: neither optimised nor made machine code of by itself.

    References are not counted in one that borrows its arrays from its caller and makes none: they outlive it.
    """

    owns = True
    """Whether it may make an array, or return one."""

    def add_ir_module(self, ir_module: Any) -> None:
        """Take the code in."""
        text = str(ir_module)
        functions = [function for function in ir_module.functions if not function.is_declaration]
        # An array begins with a pointer to its memory; a lone pointer is no array.
        returned = {str(function.args[0].type.pointee) for function in functions} - {"i8*"}
        self.owns = any("i8*" in one for one in returned) or any(
            library.owns if isinstance(library, _Part) else library is not rtsys.library
            for library in self._linking_libraries
        )
        uncounted = _COUNTING.sub("", text)
        self.owns = self.owns or '@"NRT_' in _DECLARED.sub("", uncounted)
        module = llvm.parse_assembly(cgutils.normalize_ir_text(text if self.owns else uncounted))
        module.name = ir_module.name
        self.add_llvm_module(module)

    def finalize(self) -> None:
        self._raise_if_finalized()
        self._finalized = True

    def below(self) -> Iterator[Any]:
        """Yield what this calls, and what that calls."""
        for library in self._linking_libraries:
            yield library
            if isinstance(library, _Part):
                yield from library.below()


class _Whole(JITCodeLibrary):  # type: ignore[misc]
    """A kernel as Python calls it, with all that it calls."""

    def add_linking_library(self, library: Any) -> None:
        """Take `library` in, and what it left to be taken in here."""
        super().add_linking_library(library)
        if isinstance(library, _Part):
            for lower in library.below():
                super().add_linking_library(lower)

    def _get_module_for_linking(self) -> Any:
        """Return the names alone: nothing is ever linked with this, and the code is kept as an object."""
        self._ensure_finalized()
        names = [function.name for function in self.get_defined_functions()]
        module = llvm.parse_assembly("\n".join(f'define void @"{name}"() {{ ret void }}' for name in names))
        module.triple = self._final_module.triple
        return module


class _PartCompiler(Compiler):  # type: ignore[misc]
    def __init__(self, typing_context: Any, target_context: Any, _library: Any, *rest: Any) -> None:
        library = _Part(target_context.codegen(), "part")
        super().__init__(typing_context, target_context, library, *rest)


class _WholeCompiler(Compiler):  # type: ignore[misc]
    def __init__(self, typing_context: Any, target_context: Any, _library: Any, *rest: Any) -> None:
        library = _Whole(target_context.codegen(), "whole")
        library.enable_object_caching()
        super().__init__(typing_context, target_context, library, *rest)


class _PartFunction(_FunctionCompiler):  # type: ignore[misc]
    def _customize_flags(self, flags: Any) -> Any:
        flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
        return flags


class _WholeFunction(_FunctionCompiler):  # type: ignore[misc]
    def _customize_flags(self, flags: Any) -> Any:
        flags.no_cfunc_wrapper = True
        return flags


class Kernel(CPUDispatcher):  # type: ignore[misc]
    """A compiled function; `overloads` holds what Python called, by the types of the arguments."""

    compiled_total: ClassVar[int] = 0
    """How often this process compiled what was not on disk."""

    def __init__(self, function: Callable[..., Any], **options: Any) -> None:
        options = {"nopython": True, "nogil": True, "error_model": "numpy", **options}
        # numba asks for it four times, of some hundred kernels at each start.
        function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        super().__init__(function, targetoptions=options)
        self._compiler = _WholeFunction(function, self.targetdescr, options, {}, _WholeCompiler)
        self._part_compiler = _PartFunction(function, self.targetdescr, options, {}, _PartCompiler)
        self._parts: dict[tuple[Any, ...], Any] = {}
        KERNELS.append(self)

    @property
    def path(self) -> str:
        """Where the kernel is, as `module:name`."""
        return f"{self.py_func.__module__}:{self.py_func.__qualname__}"

    def compile(self, sig: Any) -> Any:
        """Return the function for arguments of the types `sig`, from disk if it is there."""
        arguments, _ = sigutils.normalize_signature(sig)
        arguments = tuple(arguments)
        with global_compiler_lock:
            known = self.overloads.get(arguments)
            if known is None:
                # That is all that kept code needs. What is compiled needs numba's knowledge of every type and
                # function, which takes some tenths of a second to load; the compiler does it itself.
                rtsys.initialize(self.targetctx)
                known = _load(self, arguments)
                if known is None:
                    with self._compiling_counter:
                        known = self._compiler.compile(arguments, None)
                    Kernel.compiled_total += 1
                    _save(self, arguments, known)
                self.add_overload(known)
            return known.entry_point

    def is_kept(self, arguments: tuple[Any, ...]) -> bool:
        """Return whether code for arguments of these types is on disk, or loaded."""
        return arguments in self.overloads or any(file.exists() for file in _kept_files(self, arguments))

    def family_file_name(self, arguments: tuple[Any, ...]) -> str:
        """Return the name of the file of code for the whole family of this processor.

        Raises ValueError where no family is known.
        """
        family = self.family
        if family is None:
            raise ValueError("no family of processors is known that this one belongs to")
        return _file_name(self, arguments, family)

    @property
    def processor(self) -> Processor:
        """What it is compiled for."""
        return Processor(*self.targetctx.codegen().magic_tuple())

    @property
    def family(self) -> Processor | None:
        """Whose code runs here too."""
        return family_of(self.processor)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """Return how a kernel calls this one. A constant is an argument like any other."""
        signature, folded = self._compiler.fold_argument_types(args, kws)
        arguments = tuple(types.unliteral(argument) for argument in folded)
        part = self._part(arguments)
        template = typing.make_concrete_template(
            self.py_func.__name__, key=self.py_func.__name__, signatures=[part.signature]
        )
        return template, signature, arguments, {}

    def get_overload(self, sig: Any) -> Any:
        """Return the name under which the compiler finds this kernel's part."""
        arguments, _ = sigutils.normalize_signature(sig)
        return self._parts[tuple(arguments)].entry_point

    def _part(self, arguments: tuple[Any, ...]) -> Any:
        part = self._parts.get(arguments)
        if part is None:
            with self._compiling_counter:
                part = self._part_compiler.compile(arguments, None)
            part = part._replace(entry_point=(self, arguments))
            self.targetctx.insert_user_function(part.entry_point, part.fndesc, [part.library])
            self._parts[arguments] = part
        return part


def kernel(function: _Function) -> _Function:
    """Return `function` compiled on first use, kept on disk, and run without the interpreter's lock."""
    return cast("_Function", Kernel(function))


def inlined_kernel(function: _Function) -> _Function:
    """Return the same for a small body, whose call would cost more than its work."""
    return cast("_Function", Kernel(function, forceinline=True))


_FINGERPRINTS: Final = Fingerprints(lambda value: value.py_func if isinstance(value, Kernel) else None)


_OURSELVES: Final = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
"""How kernels are compiled, which this file says, is a part of what they are."""


def _file_name(kernel: Kernel, arguments: tuple[Any, ...], processor: Processor) -> str:
    facts = (
        kernel.targetoptions,
        [str(argument) for argument in arguments],
        tuple(processor),
        # Names the interpreter, its version and how it was built, which code that it calls depends on.
        (EXTENSION_SUFFIXES[0], numba.__version__, llvmlite.__version__, str(config.OPT)),
        _OURSELVES,
    )
    module = kernel.py_func.__module__.rpartition(".")[2]
    return f"{module}.{kernel.py_func.__name__}-{_FINGERPRINTS.of(kernel.py_func, facts)}.nbc"


def _folders(kernel: Kernel) -> Iterator[Path]:
    """Yield where compiled code is kept: what the user names, beside the source, in the user's cache."""
    if config.CACHE_DIR:
        yield Path(config.CACHE_DIR, KEPT_IN)
    else:
        yield Path(kernel.py_func.__code__.co_filename).parent / "__pycache__"
        yield Path(AppDirs("pharos", appauthor=False).user_cache_dir, "kernels")


def _kept_files(kernel: Kernel, arguments: tuple[Any, ...]) -> Iterator[Path]:
    """Yield where code for this processor may lie, and last where it came along for its family."""
    name = _file_name(kernel, arguments, kernel.processor)
    for folder in _folders(kernel):
        yield folder / name
    if kernel.family is not None:
        yield SHIPPED / kernel.family_file_name(arguments)


def _load(kernel: Kernel, arguments: tuple[Any, ...]) -> Any:
    for file in _kept_files(kernel, arguments):
        with contextlib.suppress(OSError):
            content = file.read_bytes()
            digest, payload = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
            # What lost its end, as after a failure of power, or is damaged is as good as none.
            if payload and hashlib.sha256(payload).digest() == digest:
                read = pickle.loads(payload)  # noqa: S301 - written below, by this user or into the package
                return CompileResult._rebuild(kernel.targetctx, *read)  # noqa: SLF001
    return None


def _save(kernel: Kernel, arguments: tuple[Any, ...], compiled: Any) -> None:
    """Keep what was compiled; a folder that takes nothing costs only the next start's time."""
    payload = serialize.dumps(compiled._reduce())  # noqa: SLF001 - its form on disk is numba's own
    name = _file_name(kernel, arguments, kernel.processor)
    for folder in _folders(kernel):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = tempfile.NamedTemporaryFile(dir=folder, delete=False)  # noqa: SIM115 - it is renamed
        except OSError:
            continue
        try:
            with file:
                file.write(hashlib.sha256(payload).digest())
                file.write(payload)
            Path(file.name).replace(folder / name)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            continue
        _remove_stale(folder, name)
        return


def _remove_stale(folder: Path, name: str) -> None:
    oldest = (folder / name).stat().st_mtime - _STALE_S
    for file in folder.glob(f"{name.rpartition('-')[0]}-*.nbc"):
        with contextlib.suppress(OSError):
            if file.stat().st_mtime < oldest:
                file.unlink()
