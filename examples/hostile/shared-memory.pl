# Leaves shared memory, which outlives processes. Ends with 0 when it could.
exit(defined shmget(4242, 1_000_000, 01666) ? 0 : 1);
