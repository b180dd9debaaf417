"""`pylint --output-format json2`, and the older `json`; columns count from 0."""

from msgspec import Struct, field

from vibeguard.core.results.building import diagnostic, level_of
from vibeguard.core.results.document_reports import DocumentReader


class _Message(Struct):
    type: str
    path: str
    message: str
    line: int = 0
    column: int = 0
    new_id: str = field(name="messageId", default="")
    old_id: str = field(name="message-id", default="")


class _Report(Struct):
    messages: list[_Message]


class PylintReader(DocumentReader[list[_Message] | _Report]):
    """A list of messages, or a report that holds one."""

    kind = list[_Message] | _Report

    def read(self, document: list[_Message] | _Report) -> None:
        """Report the messages."""
        for said in document.messages if isinstance(document, _Report) else document:
            level, rule = level_of(said.type), said.new_id or said.old_id
            self.sink(diagnostic(level, said.path, said.line, said.column + 1, rule, said.message))
