"""The keys of the inspector. Those for the clipboard and the run first: the footer shows what fits."""

from __future__ import annotations

from textual.binding import Binding, BindingType

KEYS: tuple[BindingType, ...] = (
    Binding("escape,enter", "leave", "Back", key_display="esc", id="inspector.back"),
    Binding("n,right", "go(1)", "Next", key_display="n", id="inspector.next"),
    Binding("N,left", "go(-1)", "Previous", key_display="N", id="inspector.previous"),
    Binding("y", "copy_answer", "Copy", id="inspector.copy"),
    Binding("Y,u", "copy_curl", "curl", key_display="Y", id="inspector.curl"),
    Binding("o", "page_answer", "Pager", id="inspector.pager"),
    Binding("w", "save", "Save", id="inspector.save"),
    Binding("question_mark,f1", "app.help", "Help", key_display="?", id="inspector.help"),
    Binding("R", "steer('retry')", "Run again", id="inspector.again"),
    Binding("x", "steer('abort')", "Cancel attempt", id="inspector.abort"),
    Binding("X", "steer('skip')", "Skip", id="inspector.skip"),
    Binding("h", "steer('hedge')", "Hedge", id="inspector.hedge"),
    Binding("p", "page_prompt", "Prompt in the pager", show=False, id="inspector.prompt"),
    Binding("O", "edit", "Answer in the editor", show=False, id="inspector.editor"),
    Binding("L", "logs", "The gateway's log in the browser", show=False, id="inspector.logs"),
    Binding("up,k", "scroll(-1)", "Up", show=False, id="inspector.up"),
    Binding("down,j", "scroll(1)", "Down", show=False, id="inspector.down"),
    Binding("pageup", "page(-1)", "Page up", show=False, id="inspector.page-up"),
    Binding("pagedown,space", "page(1)", "Page down", show=False, id="inspector.page-down"),
    Binding("home", "top", "To the top", show=False, id="inspector.top"),
    Binding("end", "bottom", "To the end", show=False, id="inspector.bottom"),
    Binding("q", "app.leave", "Quit", show=False, id="inspector.quit"),
)
