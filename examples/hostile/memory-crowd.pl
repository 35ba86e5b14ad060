# Many processes take memory, none of them much.
for (1 .. 30) {
    next if fork;
    my $held = 'x' x (10 * 1024 * 1024);
    sleep 1000;
}
sleep 1000;
