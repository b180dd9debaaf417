"""Finding the commands that hand their words to one more shell.

`sh -c WORD` and `eval WORD` read a word a second time, as a command: quotes around a value in it
are then used up. Which words a command has is known only as far as they are written out, so a word
that the shell makes (`$SHELL`) may be a shell too.
"""

import re

# Commands whose words a shell reads, here or on another machine. Sources: POSIX (eval, trap) and
# the manuals ssh(1), su(1), runuser(1), watch(1), parallel(1). xargs(1) has quotes of its own.
# bash reads the words of let and the numbers of [[ as arithmetic: `a[$(rm x)]` is a command there.
_REREADERS = frozenset(
    {"eval", "trap", "ssh", "su", "runuser", "watch", "xargs", "parallel", "let", "[["}
)
# Those that hand one word to a shell, after a -c that may stand behind other words.
_COMMAND_TAKERS = frozenset({"flock", "script"})
_SHELLS = frozenset(
    {"sh", "ash", "bash", "csh", "dash", "fish", "ksh", "mksh", "rbash", "tcsh", "yash", "zsh"}
)
_COMMAND_OPTION = re.compile(r"[-+][A-Za-z]*c[A-Za-z]*")  # -c, -lc; bash takes +c for it too
_MADE_BY_THE_SHELL = re.compile(r"[^-].*[$`]|[$`]", re.DOTALL)
_OPTION_OR_REDIRECTION = re.compile(r"[-+<>]|[0-9]+[<>]")


class SimpleCommand:
    """The words of a simple command so far, and whether a shell will read the next one again."""

    def __init__(self) -> None:
        self.is_read_again = False
        self.is_test = False  # in [[ ... ]], where && and | do not end it
        self.has_case = False  # the ) of its patterns closes nothing
        self._word: list[str] = []
        self._previous = ""
        self._may_be_a_shell = False
        self._takes_a_command = False

    def add(self, text: str) -> None:
        """Go on with a word; the quotes around it are left out."""
        self._word.append(text)

    def redirect(self, sign: str) -> None:
        """Begin a redirection; digits right before it belong to it."""
        if not "".join(self._word).isdigit():
            self.end_word()
        self._word.append(sign)

    def end_word(self) -> None:
        """Judge the word that ended."""
        word = "".join(self._word)
        self._word.clear()
        if not word:
            return
        self.has_case = self.has_case or word == "case"
        self.is_test = word == "[[" or (self.is_test and word != "]]")
        name = word.rpartition("/")[2]
        may_take = self._may_be_a_shell or self._takes_a_command
        if name in _REREADERS or (may_take and _COMMAND_OPTION.fullmatch(word)):
            self.is_read_again = True
        elif name in _COMMAND_TAKERS:
            self._takes_a_command = True
        elif name in _SHELLS or _MADE_BY_THE_SHELL.match(word):
            self._may_be_a_shell = True
        elif not any(map(_OPTION_OR_REDIRECTION.match, (word, self._previous))):
            self._may_be_a_shell = False  # a script: the options after it are its own
        self._previous = word
