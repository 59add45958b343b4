"""Runs a program and writes its resource usage to standard error, as the last line: user and system seconds, peak KiB.

A process of its own, because Linux counts the memory of the process that forks as memory of the program.
"""

import os
import sys

pid = os.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
_pid, status, usage = os.wait4(pid, 0)
os.write(2, f"\n{usage.ru_utime} {usage.ru_stime} {usage.ru_maxrss}\n".encode())
sys.exit(os.waitstatus_to_exitcode(status))
