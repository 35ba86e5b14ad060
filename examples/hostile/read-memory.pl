# Reads the memory of its neighbour.
use POSIX ();
my $arm = (POSIX::uname())[4] eq 'aarch64';
my $buffer = "\0" x 64;
my $part = pack 'PQ', $buffer, 64;
syscall($arm ? 270 : 310, ($ENV{NEIGHBOUR} || getppid) + 0, $part, 1, $part, 1, 0);
exit 0;
