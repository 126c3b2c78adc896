"""Ctrl-C while native code runs: loops whose length is not known ask now and then whether it has come.

Python handles a signal between two of its own steps, of which there are none meanwhile. The loop then ends, its check
says that not all is well, and the signal is raised again for Python to find as soon as it goes on.
"""

from __future__ import annotations

from pullback.compiler.machine import lasting


def interrupted_address() -> int:
    """The address of the function ``()`` that says whether a signal has ended what runs."""
    return lasting("interrupts", ["interrupted"], lambda: _TEXT, 0)["interrupted"]


_TEXT = """
define i32 @interrupted() {
begin:
  %state = call i32 @PyGILState_Ensure()
  %found = call i32 @PyErr_CheckSignals()
  %raised = icmp ne i32 %found, 0
  br i1 %raised, label %again, label %end
again:
  call void @PyErr_Clear()
  call void @PyErr_SetInterrupt()
  br label %end
end:
  call void @PyGILState_Release(i32 %state)
  ret i32 %found
}

declare i32 @PyGILState_Ensure()
declare void @PyGILState_Release(i32)
declare i32 @PyErr_CheckSignals()
declare void @PyErr_Clear()
declare void @PyErr_SetInterrupt()
"""
