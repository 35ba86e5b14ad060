# Attaches to its neighbour as a debugger would.
use POSIX ();
my $attach = 16;
exit(syscall((POSIX::uname())[4] eq 'aarch64' ? 117 : 101, $attach, ($ENV{NEIGHBOUR} || getppid) + 0, 0, 0) == 0 ? 0 : 1);
