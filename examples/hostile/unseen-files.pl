# Fills the disk with files that have no name any more.
my @held;
for my $number (1 .. 500) {
    open my $file, '>', "file-$number" or last;
    unlink "file-$number";
    syswrite $file, 'x' x 1_000_000 or last;
    push @held, $file;
}
sleep 1000;
