//! `oktant login`: the browser sign-in.

use oktant_client::properties::{AuthScheme, InitiateOAuth, Proxy};
use oktant_client::{Edges, Org};

use crate::args::LoginArgs;
use crate::failure::{Error, Result};
use crate::{connection, output, runtime, terminal};

/// Signs in and stores the tokens where later commands find them.
pub(crate) fn run(args: &LoginArgs) -> Result<()> {
    let mut properties = connection::for_sign_in(&args.connection)?;
    if matches!(properties.sign_in.scheme, AuthScheme::ApiToken | AuthScheme::OAuthJwt) {
        let problem = "the connection string brings its own credentials; there is nothing to sign in to";
        let hint = "leave the credentials out to sign in, or use the connection string as it is";
        return Err(Error::misuse(problem, hint).into());
    }
    properties.sign_in.initiate = InitiateOAuth::GetAndRefresh;
    properties.sign_in.anew = true;
    runtime::start()?.block_on(runtime::interruptible(async {
        // The browser would show a page that does not load, and this would wait for it. A proxy resolves by itself.
        if matches!(properties.network.proxy, Proxy::Direct) {
            let host = properties.org.host_str().unwrap_or_default().trim_matches(['[', ']']);
            connection::resolve(host, properties.org.port_or_known_default().unwrap_or(443)).await?;
        }
        terminal::note("waiting for the sign-in in the browser, five minutes at most; Ctrl-C ends it");
        let org = Org::connect(&properties, Edges::system()).await?;
        let location = org.settings_location().unwrap_or_default();
        terminal::note(format_args!("signed in to {}", org.properties().org));
        output::print(&format!("tokens are stored in {location}\n"))?;
        Ok(())
    }))
}
