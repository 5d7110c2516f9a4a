"""The walls around every tool that reads people's bytes: whoever takes over a decoder gains nothing with it.

- `access`: what one call of a tool may read and write, and whether it may use the network;
- `landlock`: the kernel's wall around files and TCP (landlock(7));
- `syscall_filter`: the kernel's wall around system calls: sockets, new processes, what no tool needs (seccomp(2));
- `launcher`: the program that goes inside the walls and becomes the tool;
- `walls`: which of them this machine has, and the launcher's command.

`docs/decisions/0029-tools-run-behind-walls.md` says why it is built so.
"""
