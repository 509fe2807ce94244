"""Where functions begin and end in C++, by their braces; enough for the formatted code of this tree."""

from __future__ import annotations

import re

from tree import line_of

TYPE = re.compile(r"\b(class|struct|union|enum|namespace|concept)\b|\bextern\s*$")
CAPTURE = r"(?<![\w\]\)])\[[^\[\]]*\]"
LAMBDA = re.compile(CAPTURE + r"\s*(<>\s*)?(\(\)\s*)?(mutable\b|noexcept\b|constexpr\b|static\b|->[^;{}]*|\s)*$")
INITIALISERS = re.compile(r"\)[^:?]*(?<!:):(?!:)")
ASSIGNMENT = re.compile(r"(?<!operator)(?<![=!<>+\-*/%&|^])=(?!=)")
PAIRS = {")": "(", "]": "[", "}": "{"}


class UnreadableCode(Exception):
    """The braces do not match; has the line."""


def without_directives(code: str) -> str:
    """The preprocessor's lines as blanks."""
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), code, flags=re.M)


def plain(head: str) -> str:
    """A declaration's head without what stands in its brackets, <…> among them."""
    head = re.sub(r"\boperator\s*(\(\)|[-+*/%^&|~!=<>]+)", "operator_", head)
    head = re.sub(r"->[^{};]*$", "", head)
    previous = None
    while previous != head:
        previous, head = head, re.sub(r"\([^()]+\)", "()", head)
    while previous != (head := re.sub(r"<[^<>;{}]+>", "<>", head)):
        previous = head
    return head


def kind_of(head: str) -> str:
    """What a brace after this text opens: "function", "type" (its members follow) or "value"."""
    if re.search(r"\boperator\s*[^\w\s]+\s*\(", head) and head.rstrip().endswith(("const", "noexcept", ")")):
        return "function"
    flat = plain(head)
    if LAMBDA.search(flat):
        return "function"
    if ASSIGNMENT.search(flat):
        return "value"
    if TYPE.search(flat):
        return "type"
    if "()" not in flat:
        return "type" if not flat.strip() else "value"
    if INITIALISERS.search(flat) and re.search(r"[\w>]\s*$", flat):
        return "value"  # a member's initialiser, in front of the constructor's body
    return "function"


def head_start(code: str, start: int, brace: int) -> int:
    """Where a function's first word stands: the capture of a lambda, or what follows the last declaration."""
    if LAMBDA.search(plain(code[start:brace])):
        return start + [m.start() for m in re.finditer(CAPTURE, code[start:brace])][-1]
    return start + len(code[start:brace]) - len(code[start:brace].lstrip())


def functions(text: str):
    """(first line, last line, head) of each function, and of each lambda outside functions.

    `text` is C++ without comments and literals (Tree.code)."""
    code = without_directives(text)
    found, stack = [], []  # of (bracket, kind, where its head starts)
    start = 0
    inside_function = 0
    for i, c in enumerate(code):
        if c in "([":
            stack.append((c, "", start))
        elif c == "{":
            kind = "" if inside_function else kind_of(code[start:i])
            stack.append((c, kind, head_start(code, start, i) if kind == "function" else start))
            if kind == "function":
                inside_function += 1
            elif kind == "type":
                start = i + 1
        elif c in PAIRS:
            if not stack or stack[-1][0] != PAIRS[c]:
                raise UnreadableCode(line_of(code, i))
            _, kind, head = stack.pop()
            if kind == "function":
                inside_function -= 1
                found.append((line_of(code, head), line_of(code, i), " ".join(code[head:i].split())[:60]))
            if kind == "type" or (kind == "function" and not any(b[0] != "{" for b in stack)):
                start = i + 1
        elif c == ";" and not inside_function and not any(b[0] != "{" for b in stack):
            start = i + 1
        elif c == ":" and not inside_function and re.search(r"\b(public|private|protected)\s*$", code[start:i]):
            start = i + 1
    if stack:
        raise UnreadableCode(line_of(code, len(code) - 1))
    return found
