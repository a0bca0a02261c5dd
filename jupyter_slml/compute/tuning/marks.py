"""Lines of a trial begin with its number, in a log that several trials write at once."""

from __future__ import annotations

from typing import Any


class LineMarks:
    """Puts `text` before every line that Python writes to a stream from now on; nothing while it is empty."""

    def __init__(self, stream: Any) -> None:
        self.text = ""
        write = stream.write
        fresh = True

        def marked(text: str) -> int:
            nonlocal fresh
            if not self.text or not text:
                return int(write(text))
            lines = text.split("\n")
            made = [self.text + line if line and (index or fresh) else line for index, line in enumerate(lines)]
            fresh = not lines[-1]
            write("\n".join(made))
            return len(text)

        stream.write = marked
