//! Getting a sign-in page in front of a person.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use url::Url;

/// Shows a page to a person.
pub trait Browser: Send + Sync + fmt::Debug {
    /// Opens `url`, or tells the person where to go. Does not wait for what happens there.
    fn open(&self, url: &Url);
}

/// The machine's default browser. The address also goes to standard error: whether a browser shows
/// it cannot be told, as many hand it to another process and succeed.
///
/// On Linux `BROWSER` names another one: a program with arguments, to which the address is added.
#[derive(Debug, Clone)]
pub struct SystemBrowser {
    variables: Arc<BTreeMap<String, String>>,
}

impl SystemBrowser {
    /// A browser that looks for a screen in these environment variables.
    pub fn new(variables: Arc<BTreeMap<String, String>>) -> Self {
        Self { variables }
    }

    /// On Unix desktops a browser needs a screen; without one, text browsers would take over the terminal.
    fn has_screen(&self) -> bool {
        let desktop_tells = cfg!(all(unix, not(target_os = "macos")));
        let is_set = |name: &&str| self.variables.get(*name).is_some_and(|value| !value.is_empty());
        !desktop_tells || ["BROWSER", "DISPLAY", "WAYLAND_DISPLAY"].iter().any(is_set)
    }
}

impl Browser for SystemBrowser {
    fn open(&self, url: &Url) {
        eprintln!("To sign in, open this address in a browser on this machine:\n\n  {url}\n");
        if !self.has_screen() {
            return;
        }
        let url = url.clone();
        // Some browsers block until they are closed.
        std::thread::spawn(move || {
            if let Err(error) = webbrowser::open(url.as_str()) {
                tracing::debug!(%error, "no browser was opened");
            }
        });
    }
}
