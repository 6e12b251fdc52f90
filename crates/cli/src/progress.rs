//! What goes on, for people: a spinner or a bar on a terminal, else a line for each step. On the
//! standard error, as it is not what was asked for.

use std::cell::RefCell;
use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use pgkeep_model::EngineVersion;
use pgkeep_postgres::Progress;

const TICK: Duration = Duration::from_millis(100);

/// Steps, one after the other. Made only once privileges are given up: the spinner is a thread.
pub(crate) struct Steps {
    spinner: Option<ProgressBar>,
    last: RefCell<String>,
}

impl Steps {
    pub(crate) fn new() -> Self {
        let spinner = stderr().is_terminal().then(|| {
            let spinner = ProgressBar::new_spinner();
            spinner.enable_steady_tick(TICK);
            spinner
        });
        Self { spinner, last: RefCell::default() }
    }

    /// Says what is going on now.
    pub(crate) fn say(&self, text: &str) {
        if *self.last.borrow() == text {
            return;
        }
        text.clone_into(&mut self.last.borrow_mut());
        match &self.spinner {
            Some(spinner) => spinner.set_message(text.to_owned()),
            None => eprintln!("{text}"),
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

/// A bar for a download; hidden without a terminal.
pub(crate) fn download_bar(version: EngineVersion) -> impl FnMut(Progress) {
    let template = "{msg} {wide_bar} {binary_bytes}/{binary_total_bytes} {eta}";
    let style = ProgressStyle::with_template(template);
    let bar = ProgressBar::hidden()
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(format!("PostgreSQL {version}"));
    bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
    move |progress| {
        bar.set_length(progress.total_bytes);
        bar.set_position(progress.received_bytes);
        if progress.received_bytes == progress.total_bytes {
            bar.finish_and_clear();
        }
    }
}
