"""Whether the log of a run may be believed, asked of the supervisors that live (DESIGN section 6).

A check runs as the same user and can do anything to the state folder: rename a log away and put
another in its place, copy an older pass, plant a folder. So no name, inode or lock in the folder
answers for a run while a supervisor of that folder lives, but the supervisor's own memory, reached
through the kernel. `endings.ending_of` is the one function that every reader ends with.

    place.py       which state folder is meant, however it is called, and the sockets of it
    statement.py   what is said over such a socket
    exchange.py    how it is said, by both sides
    inquiry.py     the reader's side: every supervisor of a folder is asked
    memory.py      what a supervisor knows of the runs of its folder
    witness.py     the supervisor's side: answers from that memory
    foreign.py     at the end of a run: what is in runs/ that the memory does not know
    refusing.py    a start that was refused: its mark, told to whoever vouches
    known.py       for readers: which runs there are, and which one is meant
    endings.py     how a run ended, as far as that can be believed
"""
