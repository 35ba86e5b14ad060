.PHONY: setup up down demo test check

setup up down demo test check:
	./taskfleet $@
