# Takes over page faults, a step of many exploits of the kernel.
use POSIX ();
syscall((POSIX::uname())[4] eq 'aarch64' ? 282 : 323, 1);
exit 0;
