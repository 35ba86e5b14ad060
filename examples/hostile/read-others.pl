# Looks for secrets in the processes around it. Ends with 0 when it found one.
my $secret = $ENV{SECRET_NAME} // 'REDIS';
for my $pid (getppid, $ENV{NEIGHBOUR} // 1, glob '/proc/[0-9]*') {
    $pid =~ s{.*/}{};
    next if $pid == $$;
    for my $name (qw(environ cmdline maps mem cwd/. root/proc/1/environ)) {
        open my $file, '<', "/proc/$pid/$name" or next;
        read $file, my $text, 1_000_000;
        exit 0 if $text =~ /$secret/;
    }
}
exit 1;
