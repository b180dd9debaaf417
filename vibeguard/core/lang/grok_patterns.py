r"""The standard grok names and what each means, written for RE2 from public specifications.

The names are those that the original's library ships, and they extract the values that it extracts;
the bodies are our own. IPV6 (what follows an address is no part of it), WINPATH (nor is the next
line) and URI (nor an @ in a later word) are better on purpose. RE2 has no lookaround, so a name
matches inside a longer run of characters where no `\b` says otherwise: `%{IPV4}` finds 1.2.3.25
in 1.2.3.256, as the Go library of the original does. Alternatives stand longest first, because the
first one that matches wins. Every body is used inside a group of its own.
"""

_HEX = "[0-9A-Fa-f]"
_GROUP = f"{_HEX}{{1,4}}"  # one 16-bit piece of an IPv6 address
_OCTET = "(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]{1,2})"
_LABEL = "[0-9A-Za-z][0-9A-Za-z-]{0,62}"
_LOW_32 = f"(?:{_GROUP}:{_GROUP}|%{{IPV4}})"


def _ipv6() -> str:
    """Return RFC 3986's IPv6address: the more pieces after `::`, the earlier the alternative."""
    whole = f"(?:{_GROUP}:){{6}}{_LOW_32}"
    after = [f"(?:{_GROUP}:){{{count}}}{_LOW_32}" for count in (5, 4, 3, 2, 1)]
    after += [_LOW_32, _GROUP, ""]
    before = [f"(?:(?:{_GROUP}:){{0,{count}}}{_GROUP})?::" for count in range(7)]
    alternatives = [whole, f"::{after[0]}"]
    alternatives += [left + right for left, right in zip(before, after[1:], strict=True)]
    zone = "(?:%[0-9A-Za-z._~-]+)?"  # RFC 6874
    return f"(?:{'|'.join(alternatives)}){zone}"


_LEVELS = (  # of syslog (RFC 5424) and of common loggers, in any case
    *("emergency", "emerg", "alert", "critical", "crit", "fatal", "severe", "error", "err"),
    *("warning", "warn", "notice", "information", "info", "debug", "trace"),
)
_MONTHS = (  # whole, or cut to three letters
    *("Jan(?:uary)?", "Feb(?:ruary)?", "Mar(?:ch)?", "Apr(?:il)?", "May", "June?", "July?"),
    *("Aug(?:ust)?", "Sep(?:tember)?", "Oct(?:ober)?", "Nov(?:ember)?", "Dec(?:ember)?"),
)


_NUMBERS_AND_TEXT = {
    "INT": r"[+-]?[0-9]+",
    "BASE10NUM": r"[+-]?[0-9]+(?:\.[0-9]+)?|\.[0-9]+",
    "NUMBER": "%{BASE10NUM}",
    "BASE16NUM": f"[+-]?(?:0x)?{_HEX}+",
    "BASE16FLOAT": rf"[+-]?(?:0x)?{_HEX}+(?:\.{_HEX}*)?",
    "POSINT": r"\b[1-9][0-9]*\b",
    "NONNEGINT": r"\b[0-9]+\b",
    "BOOL": "true|false",
    "WORD": r"\b\w+\b",
    "NOTSPACE": r"\S+",
    "SPACE": r"\s*",
    "DATA": ".*?",
    "GREEDYDATA": ".*",
    "QUOTEDSTRING": r'"(?:\\.|[^\\"])*"|' + r"'(?:\\.|[^\\'])*'",
    "QS": "%{QUOTEDSTRING}",
    "UUID": f"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}",  # RFC 9562 section 4
    "URN": "urn:[0-9A-Za-z][0-9A-Za-z-]{0,31}:[0-9A-Za-z!#$'()*+,./:;=?@_-]+",
    "LOGLEVEL": f"(?i:{'|'.join(_LEVELS)})",
}

_NETWORK = {
    "USERNAME": "[0-9A-Za-z._-]+",
    "USER": "%{USERNAME}",
    "EMAILLOCALPART": "[A-Za-z][0-9A-Za-z_+,./:;<=-]+",
    "EMAILADDRESS": "%{EMAILLOCALPART}@%{HOSTNAME}",
    "MAC": "%{CISCOMAC}|%{WINDOWSMAC}|%{COMMONMAC}",
    "CISCOMAC": rf"(?:{_HEX}{{4}}\.){{2}}{_HEX}{{4}}",
    "WINDOWSMAC": f"(?:{_HEX}{{2}}-){{5}}{_HEX}{{2}}",
    "COMMONMAC": f"(?:{_HEX}{{2}}:){{5}}{_HEX}{{2}}",
    "IPV6": _ipv6(),
    "IPV4": rf"(?:{_OCTET}\.){{3}}{_OCTET}",
    "IP": "%{IPV6}|%{IPV4}",
    "HOSTNAME": rf"\b{_LABEL}(?:\.{_LABEL})*\.?",
    "IPORHOST": "%{IP}|%{HOSTNAME}",
    "HOSTPORT": "%{IPORHOST}:%{POSINT}",
}

_PATHS = {
    "PATH": "%{UNIXPATH}|%{WINPATH}",
    "UNIXPATH": r"(?:/[\w%!$@:.,+~-]+)+",
    "TTY": r"/dev/(?:pts|tty)\w*/?[0-9]+",
    "WINPATH": r"[A-Za-z]+:(?:\\[^\\?*\r\n]+)+",  # not past the end of its line
    "URIPROTO": "[A-Za-z][0-9A-Za-z+.-]+",  # RFC 3986 section 3.1
    "URIHOST": "%{IPORHOST}(?::%{POSINT})?",
    "URIPATH": r"(?:/[0-9A-Za-z$.+!*'(){},~:;=@#%&_-]+)+",
    "URIQUERY": r"[0-9A-Za-z$.+!*'|(){},~@#%&/=:;_?<>\[\]-]*",
    "URIPARAM": r"\?%{URIQUERY}",
    "URIPATHPARAM": r"%{URIPATH}(?:\?%{URIQUERY})?",
    "URI": (r"%{URIPROTO}://(?:%{USER}(?::[^@/\s]*)?@)?%{URIHOST}(?:%{URIPATH}(?:%{URIPARAM})?)?"),
}

_DATES = {
    "MONTH": rf"\b(?:{'|'.join(_MONTHS)})\b",
    "MONTHNUM": "1[0-2]|0[1-9]",  # two digits: there is no month in 13
    "MONTHDAY": "0[1-9]|[12][0-9]|3[01]|[1-9]",
    "DAY": (
        r"\b(?:Mon(?:day)?|Tue(?:sday)?|Wed(?:nesday)?|Thu(?:rsday)?|Fri(?:day)?|"
        r"Sat(?:urday)?|Sun(?:day)?)\b"
    ),
    "YEAR": "[0-9]{2}(?:[0-9]{2})?",
    "HOUR": "2[0-3]|[01]?[0-9]",
    "MINUTE": "[0-5][0-9]",
    "SECOND": "(?:60|[0-5][0-9])(?:[:.,][0-9]+)?",  # 60 is a leap second
    "TIME": "%{HOUR}:%{MINUTE}(?::%{SECOND})?",
    "DATE_US": "%{MONTHNUM}[/-]%{MONTHDAY}[/-]%{YEAR}",
    "DATE_EU": "%{MONTHDAY}[./-]%{MONTHNUM}[./-]%{YEAR}",
    "ISO8601_TIMEZONE": "Z|[+-]%{HOUR}:?%{MINUTE}",  # or the -01 of 2024-01-15 were one
    "ISO8601_SECOND": "%{SECOND}",
    "TIMESTAMP_ISO8601": (
        "%{YEAR}-%{MONTHNUM}-%{MONTHDAY}[T ]%{HOUR}:?%{MINUTE}(?::?%{SECOND})?%{ISO8601_TIMEZONE}?"
    ),
    "DATE": "%{DATE_US}|%{DATE_EU}",
    "DATESTAMP": "%{DATE}[- ]%{TIME}",
    "TZ": "[PMACE][SED]T|UTC",
    "DATESTAMP_RFC822": "%{DAY} %{MONTH} %{MONTHDAY} %{YEAR} %{TIME} %{TZ}",
    "DATESTAMP_RFC2822": "%{DAY}, %{MONTHDAY} %{MONTH} %{YEAR} %{TIME} %{ISO8601_TIMEZONE}",
    "DATESTAMP_OTHER": "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{TZ} %{YEAR}",
    "DATESTAMP_EVENTLOG": "%{YEAR}%{MONTHNUM}%{MONTHDAY}%{HOUR}%{MINUTE}%{SECOND}",
    "HTTPDATE": "%{MONTHDAY}/%{MONTH}/%{YEAR}:%{TIME} %{INT}",
}

_SYSLOG = {
    "SYSLOGTIMESTAMP": "%{MONTH} +%{MONTHDAY} %{TIME}",  # RFC 3164 section 4.1.2
    "PROG": r"[!-Z\\^-~]+",  # printable ASCII but the brackets around the process number
    "SYSLOGPROG": r"%{PROG}(?:\[[0-9]+\])?",
    "SYSLOGHOST": "%{IPORHOST}",
    "SYSLOGFACILITY": "<%{NONNEGINT}.%{NONNEGINT}>",
    # The only name that brings fields of its own.
    "SYSLOGBASE": (
        "%{SYSLOGTIMESTAMP:timestamp} (?:%{SYSLOGFACILITY} )?%{SYSLOGHOST:host.name} %{SYSLOGPROG}:"
    ),
}

STANDARD_PATTERNS: dict[str, str] = _NUMBERS_AND_TEXT | _NETWORK | _PATHS | _DATES | _SYSLOG
