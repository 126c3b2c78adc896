"""Running one function over arrays: for tests, measurements, and looking at its assembly."""

from __future__ import annotations

import ctypes
import time
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numpy as np

from pullback.compiler.mathematics.registry import arity, text

_ELEMENTS: dict[str, np.dtype[Any]] = {"float": np.dtype(np.float32), "double": np.dtype(np.float64)}


@dataclass(frozen=True)
class Measured:
    """What it took to make machine code of a function."""

    instructions: int
    """Instructions of LLVM IR."""
    milliseconds: float
    """Time of code generation alone."""


class Evaluator:
    """A mathematical function compiled in a loop over contiguous arrays.

    Args:
        name: the function.
        element: "float" or "double".
        lanes: elements at a time; 64 bytes' worth when not given. Arrays are padded to a multiple.
        optimization: LLVM's level of code generation, 0 to 3.
    """

    def __init__(self, name: str, element: str, lanes: int = 0, optimization: int = 1) -> None:
        self.dtype = _ELEMENTS[element]
        self.lanes = lanes or 64 // self.dtype.itemsize
        self.arity = arity(name)
        written = text("function", name, element, self.lanes)
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        self.ir = f"{written}\n{self._loop(element)}"
        parsed = llvm.parse_assembly(self.ir)
        parsed.verify()
        target = llvm.Target.from_default_triple().create_target_machine(
            cpu=llvm.get_host_cpu_name(),
            features=llvm.get_host_cpu_features().flatten(),
            opt=optimization,
            jit=True,
        )
        self.assembly = target.emit_assembly(llvm.parse_assembly(self.ir))
        self._engine = llvm.create_mcjit_compiler(parsed, target)
        start = time.perf_counter()
        self._engine.finalize_object()
        elapsed = time.perf_counter() - start
        instructions = sum(line.startswith("  ") for line in written.splitlines())
        self.measured = Measured(instructions, elapsed * 1e3)
        pointers = [ctypes.c_void_p] * (self.arity + 1)
        prototype = ctypes.CFUNCTYPE(None, ctypes.c_int64, *pointers)
        self.native = prototype(self._engine.get_function_address("evaluate"))

    def _loop(self, element: str) -> str:
        type = element if self.lanes == 1 else f"<{self.lanes} x {element}>"
        size = self.dtype.itemsize
        places = range(self.arity)
        pointers = "".join(f", ptr %p{i}" for i in places)
        loads = "\n".join(
            f"  %a{i} = getelementptr {element}, ptr %p{i}, i64 %i\n  %x{i} = load {type}, ptr %a{i}, align {size}"
            for i in places
        )
        given = ", ".join(f"{type} %x{i}" for i in places)
        return f"""
define void @evaluate(i64 %n, ptr %out{pointers}) {{
  br label %loop
loop:
  %i = phi i64 [0, %0], [%next, %loop]
{loads}
  %y = call {type} @function({given})
  %o = getelementptr {element}, ptr %out, i64 %i
  store {type} %y, ptr %o, align {size}
  %next = add i64 %i, {self.lanes}
  %more = icmp slt i64 %next, %n
  br i1 %more, label %loop, label %done
done:
  ret void
}}
"""

    def __call__(self, *arrays: Any) -> np.ndarray[Any, Any]:
        """The function of the elements of one-dimensional arrays, one array for each argument."""
        size = len(arrays[0])
        padded = -(-max(size, 1) // self.lanes) * self.lanes
        inputs = [np.resize(np.asarray(one, self.dtype), padded) for one in arrays]
        out = np.empty(padded, self.dtype)
        self.native(padded, out.ctypes.data, *(one.ctypes.data for one in inputs))
        return out[:size]
