"""What only bash knows is found where it is a command, and nowhere else."""

import subprocess

import pytest

from vibeguard.core.lang.bashisms import PROBES, bashisms

HAS = {
    "if [[ -f a ]]; then exit 1; fi": "[[",
    "while [[ a != b ]]\ndo exit 1; done": "[[",
    "true && [[ a = b ]] || exit 0": "[[",
    "! [[ a = a ]]": "[[",
    "{ [[ a = b ]]; } || true": "[[",
    "( [[ a = b ]] ) || true": "[[",
    "x=$([[ a = b ]] && echo b); true": "[[",
    'echo "$(if [[ a = b ]]; then echo; fi)"': "[[",
    "case a in a) [[ a = b ]] || true;; esac": "[[",
    "A=1 [[ a = b ]] || true": "[[",
    "for i in 1; do [[ $i = 2 ]] && exit 1; done; true": "[[",
    "cat <<E\ntext\nE\n[[ a = b ]] || true": "[[",
    "echo `[[ a = b ]]`; true": "[[",
    "if (( 3 > 2 )); then exit 1; fi": "((",
    "((n = 1)) || true": "((",
    "false &> log": "&>",
    "false &>/dev/null && echo": "&>",
    "false &>> log": "&>",
    'if [ "$a" == b ]; then exit 1; fi': "==",
    "test a == b || true": "==",
    "[ a == b ] || true; true": "==",
    "true && \\\n  [[ a = b ]] || true": "[[",
    'echo "${x:-don\'t}"\nif [[ a ]]; then b; fi': "[[",
    "((n = (1 + 2) * ((3)))) || true": "((",
    "echo ${x} ${y:-b}; if [[ a ]]; then b; fi": "[[",
    'echo "${x}"; [ "${x:-b}" == c ] || true': "==",
}
HAS_NOT = (
    "echo '[[ a ]]'",
    'echo "[[ a ]]" ; echo "a && [[ b"',
    "# if [[ a ]]; then\ntrue",
    "grep '[[:space:]]' f; grep [[:alpha:]] f; tr '[[' b",
    "cat <<'E'\nif [[ a ]]; then\nfalse &> log\nE\ntrue",
    "cat <<-E\n\t[[ a ]]\n\tE\ntrue",
    "bash -c 'if [[ a = a ]]; then exit 1; fi'",
    "echo $((1 + 2)); echo $(( (1) )); x=$(( 1 == 1 ))",
    "( (a); (b) )",
    "(\n(a)\n)",
    "cmd >&2; cmd 2>&1 & cmd > f; a &",
    "awk '$1 == 2' f; python -c 'a == b'; echo a == b",
    "echo ${a:-[[ b ]]}; echo a[[ b; echo \\[[ a",
    "echo a#b [[ c",
    "[ a = b ] || echo == ; [ a = b ]",
    "x==; y='[['",
    "[[ a == a ]]",
    " ((  1 ))\n",
    "[ a == b ]",
    "[ $(( (1+(2)) == 3 )) -eq 1 ] && true",
    "((cd a && make) || (cd b && make))\ntrue",
    "cat > x <<'END-OF'\nif [[ a == b ]]; then x; fi\nEND-OF\ntrue",
    'cat > x <<"END OF"\nif [[ a == b ]]; then x; fi\nEND OF\ntrue',
    "cat > x <<!\nif true; then [[ x\n!\ntrue",
    "cat > x <<E'O'F.1\n[[ x\nEOF.1\ntrue",
)


@pytest.mark.parametrize("script", HAS)
def test_what_only_bash_knows_is_found(script: str) -> None:
    found = list(bashisms(script))
    assert [one.name for one in found] == [HAS[script]]
    assert script.startswith(HAS[script], found[0].offset)


@pytest.mark.parametrize("script", HAS_NOT)
def test_quotes_comments_data_and_other_words_hold_none(script: str) -> None:
    assert list(bashisms(script)) == []


@pytest.mark.parametrize("name", PROBES)
def test_bash_knows_each_of_them(name: str) -> None:
    script, status = PROBES[name]
    assert subprocess.run(["bash", "-c", script], check=False).returncode == status


@pytest.mark.parametrize(
    "piece", ["[[ ", "((", "&>", '"$(', "${", "<<A\n", "`", "((a;", "'\"", "$(("]
)
def test_any_script_is_read_in_one_pass(piece: str) -> None:
    for _ in bashisms(piece * (20_000 // len(piece)) + " [[ "):
        pass


def test_white_space_behind_one_command_is_read_once() -> None:
    assert list(bashisms("[[ " + " " * 100_000 + "; a"))
