//! One provisioning, from its file to its state.

use std::collections::HashMap;
use std::sync::Arc;

use oktant_base::{Clock, Entropy, Secret};
use oktant_client::{Edges, Org};

use crate::actual::Actual;
use crate::apply::{Executor, Report};
use crate::config::Config;
use crate::error::Error;
use crate::explain::{Explanation, explain};
use crate::plan::{Plan, Warning, patches};
use crate::preflight;
use crate::scim::Target;
use crate::source::Source;
use crate::state::{State, Write, history};

/// A provisioning that is open; nobody else writes its state meanwhile.
#[derive(Debug)]
pub struct Provisioner {
    pub(crate) config: Config,
    pub(crate) org: Org,
    source: Source,
    target: Target,
    state: State,
    pub(crate) clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// What the target says about PATCH; `None` before it was asked, or if it does not say.
    patch_supported: Option<bool>,
}

/// What a state is opened for.
#[derive(Debug, Clone, Copy)]
enum Access {
    Read,
    Write,
}

/// How a plan is applied.
#[derive(Debug, Clone, Default)]
pub struct ApplyOptions {
    /// Goes on although safeguards are broken.
    pub force: bool,
    /// Passwords to set, by Okta id, login or user name.
    pub passwords: Vec<(String, Secret)>,
    /// Whether a watcher applies it, for the log.
    pub watched: bool,
}

impl Provisioner {
    /// Finds the application and opens the state. Nothing is sent to the target.
    ///
    /// # Errors
    ///
    /// [`Error::Application`], [`Error::Busy`], [`Error::State`], or what the org objects to.
    pub async fn open(config: Config, org: Org, edges: &Edges) -> Result<Self, Error> {
        Box::pin(Self::open_for(config, org, edges, Access::Write)).await
    }

    /// The same to plan and explain only, also while another run holds the state.
    ///
    /// # Errors
    ///
    /// As [`Provisioner::open`], but for [`Error::Busy`].
    pub async fn open_read_only(config: Config, org: Org, edges: &Edges) -> Result<Self, Error> {
        Box::pin(Self::open_for(config, org, edges, Access::Read)).await
    }

    async fn open_for(config: Config, org: Org, edges: &Edges, access: Access) -> Result<Self, Error> {
        let (clock, entropy) = (Arc::clone(&edges.clock), Arc::clone(&edges.entropy));
        let target = Target::new(&config.target, Arc::clone(&clock), Arc::clone(&entropy))?;
        if url::Url::parse(target.url()).is_ok_and(|url| url.origin() == org.properties().org.origin()) {
            let problem = "it is the org itself".to_owned();
            let hint = Some("give the address that the target has for SCIM, such as https://HOST/scim/v2".to_owned());
            return Err(Error::Address { url: target.url().to_owned(), problem, hint });
        }
        let source = Source::open(org.clone(), &config.app).await?;
        let host = org.properties().org.to_string();
        let binding = [("org", host.as_str()), ("application", &source.app.id), ("target", target.url())];
        let state = match access {
            Access::Write => State::open(&config.state, &binding, Arc::clone(&clock))?,
            Access::Read => State::peek(&config.state, &binding, Arc::clone(&clock))?,
        };
        Ok(Self { config, org, source, target, state, clock, entropy, patch_supported: None })
    }

    /// Looks for the known problems of a target before anything is written: token, network policy, address.
    ///
    /// # Errors
    ///
    /// [`Error::Target`] with the cause and what to do about it.
    pub async fn preflight(&mut self) -> Result<Vec<Warning>, Error> {
        let found = preflight::check(&self.target, &self.config, &*self.clock).await?;
        self.patch_supported = found.patch_supported;
        Ok(found.warnings)
    }

    /// Checks what the mappings read against the org's schemas.
    ///
    /// # Errors
    ///
    /// [`Error::Mapping`] for an attribute that nobody can have, or what the org objects to.
    pub async fn check_mappings(&self) -> Result<Vec<Warning>, Error> {
        Box::pin(self.source.check(&self.config)).await
    }

    /// Label of the application.
    pub fn application(&self) -> &str {
        &self.source.app.label
    }

    /// Compares what the org wants, what the target has and what was applied.
    ///
    /// # Errors
    ///
    /// What the org or the target objects to. Half a list is an error: nothing is planned on it.
    pub async fn plan(&self) -> Result<Plan, Error> {
        // Reading two sides at once makes a large future, which no caller should have to hold.
        Box::pin(self.read_and_compare()).await
    }

    async fn read_and_compare(&self) -> Result<Plan, Error> {
        let spent = self.target.requests();
        let applied = self.state.load(&self.config.mappings)?;
        let (desired, listed) = tokio::try_join!(self.source.read(&self.config, &applied), self.list())?;
        let mut actual = match listed {
            Some(actual) => actual,
            None => Actual::look_up(&self.target, &self.config, &desired, &applied).await?,
        };
        actual.complete_groups(&self.target, &desired, &applied).await?;
        let patches = patches(self.config.target.update, self.patch_supported);
        let mut plan = Plan::make(&self.config, desired, actual, applied, patches);
        plan.requests_spent = self.target.requests() - spent;
        Ok(plan)
    }

    /// Makes the next plan read everything anew.
    pub(crate) fn forget(&self) {
        self.source.forget();
    }

    /// Reads the lists of the target; once more if someone changed them meanwhile.
    async fn list(&self) -> Result<Option<Actual>, Error> {
        match Actual::list(&self.target, &self.config).await {
            Err(Error::Incomplete { .. }) => Actual::list(&self.target, &self.config).await,
            listed => listed,
        }
    }

    /// Carries a plan out.
    ///
    /// # Errors
    ///
    /// [`Error::Safeguard`] before the first write; then only what stops a whole run, such as a refused token.
    /// What fails for one object is counted in the [`Report`].
    pub async fn apply(&self, plan: &Plan, options: ApplyOptions) -> Result<Report, Error> {
        if !plan.tripped.is_empty() && !options.force {
            return Err(Error::Safeguard(plan.tripped.clone()));
        }
        let mut passwords = HashMap::new();
        for (who, password) in options.passwords {
            let user = plan.find_user(&who).ok_or(Error::UnknownUser(who))?;
            // A plan that does not know of it has no entry to carry out.
            debug_assert!(plan.sets_password(user));
            passwords.insert(user, password);
        }
        let run = self.state.next_run()?;
        let edges = (&*self.clock, &*self.entropy);
        let executor = Executor::new(plan, &self.target, &self.state, edges, run, passwords);
        Box::pin(executor.execute(if options.watched { "watch" } else { "apply" })).await
    }

    /// Closes the log of a run whose [`apply`](Self::apply) was dropped half-way. Gives what it came to, if there is
    /// such a run.
    ///
    /// # Errors
    ///
    /// [`Error::State`] or [`Error::Database`].
    pub async fn interrupted(&self) -> Result<Option<String>, Error> {
        let last = || Ok::<_, Error>(history(&self.config.state)?.runs()?.into_iter().next());
        let is_unended = last()?.is_some_and(|run| run.outcome.is_none());
        self.state.write(vec![Write::RunsInterrupted]).await?;
        Ok(last()?.filter(|_| is_unended).and_then(|run| run.outcome))
    }

    /// Writes what a plan without changes has shown: objects that are gone, values that came about by other means,
    /// requests of an earlier run that turn out to be answered.
    ///
    /// # Errors
    ///
    /// [`Error::State`] or [`Error::Database`].
    pub async fn settle(&self, plan: &Plan) -> Result<(), Error> {
        let edges = (&*self.clock, &*self.entropy);
        Executor::new(plan, &self.target, &self.state, edges, 0, HashMap::new()).upkeep().await
    }

    /// Says why a user has the access they have.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownUser`] if nobody is known by `who`: an Okta id, a login or a user name.
    pub fn explain(&self, plan: &Plan, who: &str) -> Result<Explanation, Error> {
        explain(plan, who)
    }

    /// Lets go of the state.
    ///
    /// # Errors
    ///
    /// [`Error::Database`] if the last writes failed.
    pub async fn close(self) -> Result<(), Error> {
        self.state.close().await
    }
}
