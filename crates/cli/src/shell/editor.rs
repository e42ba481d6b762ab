//! Line editing: prompt, history, completion, colours, and when a statement is complete.

use std::borrow::Cow;
use std::path::PathBuf;

use etcetera::BaseStrategy as _;
use oktant_sql::lexer::{self, Kind};
use reedline::{
    Color, ColumnarMenu, Completer, CompletionResult, DefaultHinter, EditCommand, Emacs, FileBackedHistory,
    Highlighter, KeyCode, KeyModifiers, MenuBuilder as _, Prompt, PromptEditMode, PromptHistorySearch, Reedline,
    ReedlineEvent, ReedlineMenu, Span, StyledText, Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};

use super::command;
use super::vocabulary::{self, Vocabulary};
use crate::terminal;

/// Lines of history that are kept.
const HISTORY_LINES: usize = 5_000;

const MENU: &str = "completion";

/// An editor that completes the words of `vocabulary`.
pub(super) fn editor(vocabulary: Vocabulary) -> Reedline {
    let colour = terminal::stdout_has_colour();
    let mut keys = default_emacs_keybindings();
    let complete = vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext];
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, ReedlineEvent::UntilFound(complete));
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, ReedlineEvent::Edit(vec![EditCommand::InsertNewline]));

    let editor = Reedline::create()
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_completer(Box::new(Words(vocabulary)))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(ColumnarMenu::default().with_name(MENU))))
        .with_quick_completions(true)
        .with_validator(Box::new(Statement))
        .with_highlighter(Box::new(Colours { colour }))
        .with_hinter(Box::new(DefaultHinter::default().with_style(Color::DarkGray.normal())))
        .with_ansi_colors(colour)
        .use_bracketed_paste(true);
    match history() {
        Some(history) => editor.with_history(Box::new(history)),
        None => editor,
    }
}

/// The history in the user's state folder. Without one the session remembers its own lines only.
fn history() -> Option<FileBackedHistory> {
    let path = history_path()?;
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all).and_then(|()| private(&path));
    if let Err(error) = made {
        tracing::warn!(path = %path.display(), %error, "history is not kept");
        return None;
    }
    FileBackedHistory::with_file(HISTORY_LINES, path).ok()
}

fn history_path() -> Option<PathBuf> {
    let folders = etcetera::choose_base_strategy().ok()?;
    let folder = folders.state_dir().unwrap_or_else(|| folders.data_dir());
    Some(folder.join("oktant").join("history"))
}

/// Creates the file readable by its owner only: statements name people.
fn private(path: &std::path::Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

struct Words(Vocabulary);

impl Completer for Words {
    fn complete(&mut self, line: &str, position: usize) -> CompletionResult {
        let completion = self.0.complete(line, position);
        let span = Span::new(completion.start, position);
        let suggestion = |value| Suggestion { value, span, ..Suggestion::default() };
        CompletionResult::fresh(completion.candidates.into_iter().map(suggestion).collect::<Vec<_>>())
    }
}

/// A line goes on until its semicolon, unless it is a command.
struct Statement;

impl Validator for Statement {
    fn validate(&self, line: &str) -> ValidationResult {
        if command::in_text(line).is_some() || lexer::is_complete(line) {
            ValidationResult::Complete
        } else {
            ValidationResult::Incomplete
        }
    }
}

struct Colours {
    colour: bool,
}

impl Highlighter for Colours {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        let mut text = StyledText::new();
        for token in lexer::tokens(line) {
            let style = match token.kind {
                _ if !self.colour => Color::Default.normal(),
                Kind::Word if vocabulary::is_keyword(token.text) => Color::Blue.bold(),
                Kind::Text => Color::Green.normal(),
                Kind::Number => Color::Cyan.normal(),
                Kind::Comment => Color::DarkGray.normal(),
                _ => Color::Default.normal(),
            };
            text.push((style, token.text.to_owned()));
        }
        text
    }
}

/// The name of the org before each statement.
pub(super) struct OrgPrompt {
    /// Name shown.
    pub(super) org: String,
}

impl Prompt for OrgPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.org)
    }

    fn render_prompt_right(&self) -> Cow<'_, str> {
        Cow::Borrowed("")
    }

    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        Cow::Borrowed("> ")
    }

    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        Cow::Owned(format!("{:>width$}> ", "...", width = self.org.len()))
    }

    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        Cow::Owned(format!("(search: {}) ", search.term))
    }
}
