# Becomes root in a user namespace of its own, which opens more of the kernel.
use POSIX ();
my $new_user = 0x10000000;
syscall((POSIX::uname())[4] eq 'aarch64' ? 97 : 272, $new_user);
exit 0;
