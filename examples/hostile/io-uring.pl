# Sets up a ring, past filters of single calls. Ends with 0 when it could.
my $parameters = "\0" x 120;
exit(syscall(425, 8, $parameters) >= 0 ? 0 : 1);
