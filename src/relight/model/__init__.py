"""Pure records and arithmetic: no I/O, no clock, standard library only."""
