"""What every call passes before a servicer sees it, as one wrapper a method.

The steps in order: room (`gate`), deadline, access, validation; around them faults and logging.
Each step is a function in a file of its own; `chain` composes them once per method at its first
call, so that a call pays for the steps alone and not for a stack of interceptors.
"""
