# Uses a processor for ever.
while :; do :; done
