"""`audit`: one check, run once under strace."""
