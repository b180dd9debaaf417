"""What the files of a project say, as text."""

from vibeguard.system.discovery.project import read_texts


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path):
    (tmp_path / "package.json").write_bytes(b'\xef\xbb\xbf{"scripts": {}}')
    assert read_texts(str(tmp_path), ["package.json"]) == {"package.json": '{"scripts": {}}'}
