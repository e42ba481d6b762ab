//! Every error code: one entry here is its page, its SQLSTATE, its HTTP status, its exit code
//! and its Python exception. `oktant explain OKT1001` prints an entry.
//!
//! Thousands group them: 1 connecting, 2 talking to the org, 3 SQL, 4 the command line and flows,
//! 5 the sandbox, 6 provisioning, 7 the account, 8 its server, 9 ourselves. A code is never reused for another meaning.

/// The exception class of PEP 249 that a code becomes in Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbApi {
    /// Wrong use of the interface itself.
    Interface,
    /// The data does not fit.
    Data,
    /// The org, the network or the credentials.
    Operational,
    /// The org refuses the state that a write would make.
    Integrity,
    /// A mistake of ours.
    Internal,
    /// A mistake in the statement or the properties.
    Programming,
    /// Something that is not offered.
    NotSupported,
}

/// One entry of the table of codes.
#[derive(Debug)]
pub struct Entry {
    id: &'static str,
    title: &'static str,
    sqlstate: &'static str,
    http_status: u16,
    exit_code: u8,
    db_api: DbApi,
    cause: &'static str,
    fix: &'static str,
}

/// An error code: a reference to its entry.
#[derive(Debug, Clone, Copy)]
pub struct Code(&'static Entry);

impl Code {
    /// The code itself, such as `OKT1001`.
    pub const fn id(self) -> &'static str {
        self.0.id
    }
    /// What it means, in a few words.
    pub const fn title(self) -> &'static str {
        self.0.title
    }
    /// Its SQLSTATE, five characters.
    pub const fn sqlstate(self) -> &'static str {
        self.0.sqlstate
    }
    /// The status our own HTTP interfaces answer with.
    pub const fn http_status(self) -> u16 {
        self.0.http_status
    }
    /// What the program exits with: 1 failed, 2 wrong usage, 4 sign-in needed, 6 rate limited.
    pub const fn exit_code(self) -> u8 {
        self.0.exit_code
    }
    /// Its exception class in Python.
    pub const fn db_api(self) -> DbApi {
        self.0.db_api
    }
    /// Why it usually happens.
    pub const fn cause(self) -> &'static str {
        self.0.cause
    }
    /// How it is usually mended.
    pub const fn fix(self) -> &'static str {
        self.0.fix
    }
}

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Code {}

macro_rules! codes {
    ($($id:ident $title:literal, $sqlstate:literal, $http:literal, $exit:literal, $db_api:ident, $cause:literal, $fix:literal;)*) => {
        $(
            #[doc = $title]
            pub const $id: Code = Code(&Entry {
                id: stringify!($id),
                title: $title,
                sqlstate: $sqlstate,
                http_status: $http,
                exit_code: $exit,
                db_api: DbApi::$db_api,
                cause: $cause,
                fix: $fix,
            });
        )*

        /// All codes, in order.
        pub const ALL: &[Code] = &[$($id),*];
    };
}

codes! {
    OKT1001 "unknown connection property", "08001", 400, 2, Programming,
        "The connection string names a property that does not exist.",
        "check the spelling against the list of connection properties";
    OKT1002 "bad value of a connection property", "08001", 400, 2, Programming,
        "A property has a value of the wrong type or outside its range.",
        "give a value of the type that the message names";
    OKT1003 "the connection string cannot be read", "08001", 400, 2, Programming,
        "The text is neither an okta:// URL nor Name=value pairs separated by semicolons.",
        "write okta:///?Domain=acme.okta.com&APIToken=TOKEN or Domain=acme.okta.com;APIToken=TOKEN";
    OKT1004 "connection properties are missing or contradict each other", "08001", 400, 2, Programming,
        "Something that the chosen sign-in needs was not given, or two properties exclude each other.",
        "add or remove the properties that the message names";
    OKT1005 "bad org domain", "08001", 400, 2, Programming,
        "The domain is empty, a placeholder, or not a host name.",
        "use the org's host name as in the browser, without -admin: acme.okta.com";
    OKT1006 "plain http outside loopback", "08001", 400, 2, Programming,
        "Credentials would cross a network unencrypted.",
        "use https, or a loopback address for a sandbox";
    OKT1010 "sign-in is needed", "28000", 401, 4, Operational,
        "No usable token is stored and the browser flow is switched off.",
        "run `oktant login`, or set InitiateOAuth=GETANDREFRESH";
    OKT1011 "the org refused the API token", "28000", 401, 4, Operational,
        "The API token is unknown, revoked or expired (API tokens end after 30 days without use).",
        "make a new token in the Admin Console under Security, API, Tokens";
    OKT1012 "the access token is expired or invalid", "28000", 401, 4, Operational,
        "The org no longer accepts the access token and it could not be refreshed.",
        "sign in again with `oktant login`, or set InitiateOAuth=GETANDREFRESH";
    OKT1013 "a scope is missing", "42501", 403, 1, Programming,
        "The token was not granted the scope that the operation needs.",
        "grant the scope to the app in the Admin Console (Okta API Scopes) and sign in again";
    OKT1014 "access denied", "42501", 403, 1, Programming,
        "The administrator behind the token lacks the permission.",
        "use credentials of an administrator whose role covers the resource";
    OKT1015 "the authorization server refused", "28000", 401, 4, Operational,
        "The token endpoint answered with an OAuth error.",
        "check client id, secret or key, redirect URI and granted scopes of the app";
    OKT1016 "the browser sign-in did not complete", "28000", 401, 4, Operational,
        "No answer reached the callback address in time, or it did not belong to this sign-in.",
        "open the printed URL in a browser on this machine, and check that CallbackURL is registered in the app";
    OKT1017 "the settings file cannot be used", "28000", 401, 4, Operational,
        "The file of OAuthSettingsLocation is unreadable, belongs to another org or client, or is open to others.",
        "correct its permissions (0600) or choose another OAuthSettingsLocation";
    OKT1018 "a key cannot be read", "08001", 400, 2, Programming,
        "The private key is neither a JWK nor PEM of a supported kind.",
        "give an RSA, P-256 or P-384 key as JWK, PKCS#8, PKCS#1 or SEC1";
    OKT1019 "a callback address cannot be used", "08001", 400, 2, Programming,
        "CallbackURL is not a loopback http address, or its port is taken.",
        "use http://localhost:PORT with a free port that is registered in the app";

    OKT2001 "the org cannot be reached", "08006", 502, 1, Operational,
        "The name does not resolve, nothing listens there, or TLS failed.",
        "check the domain, the network and the proxy settings; `oktant doctor` tests each step";
    OKT2002 "a request timed out", "08006", 504, 1, Operational,
        "The org did not answer within the time allowed.",
        "raise Timeout, or narrow the query";
    OKT2003 "the org failed", "08006", 502, 1, Operational,
        "The org answered with a server error, also after retries.",
        "try again later; the request id helps Okta's support";
    OKT2004 "the answer cannot be read", "08006", 502, 1, Operational,
        "The answer is not the JSON that was expected, or it ended early.",
        "try again; if it stays, report it with the request id";
    OKT2005 "paging does not end", "08006", 502, 1, Operational,
        "A page links to itself or to a page that was already read.",
        "try again; if it stays, report it with the request id";
    OKT2006 "not found", "02000", 404, 1, Data,
        "No object has this id or name, or the credentials may not see it.",
        "check the id and the administrator's permissions";
    OKT2007 "the org rejected the request", "22000", 400, 1, Data,
        "The org's validation refused a value.",
        "correct what the causes name";
    OKT2008 "the object exists already", "23505", 409, 1, Integrity,
        "Another object has the same login, name or identifier.",
        "choose another value, or update the existing object";
    OKT2009 "not allowed in the object's current status", "55000", 409, 1, Data,
        "The lifecycle of the object does not allow this step now.",
        "look at the object's status and take the step before it first";
    OKT2010 "the feature is not enabled", "0A000", 501, 1, NotSupported,
        "The org's edition or settings do not include it.",
        "ask Okta to enable the feature for the org";
    OKT2011 "rate limit used up", "53400", 503, 6, Operational,
        "The bucket's limit is spent and the wait would be longer than allowed.",
        "try again after the time named, or lower RateLimitShare to leave room for others";
    OKT2012 "too many concurrent requests", "53400", 503, 6, Operational,
        "The org's limit of requests in flight is reached, also after backing off.",
        "lower Parallelism";
    OKT2013 "another host was addressed", "08006", 502, 1, Operational,
        "A URL points away from the org; credentials are sent nowhere else.",
        "use a path of the org itself";
    OKT2014 "a page could not be read", "58030", 502, 1, Operational,
        "A request in the middle of a scan failed. The rows read before it are withheld, since half a table must not look whole.",
        "run the statement again; the cause says what failed";
    OKT2015 "unknown operation", "42883", 400, 2, Programming,
        "The catalogue has no operation of this name or path.",
        "`oktant api --list` shows every operation";
    OKT2016 "bad argument of an operation", "22023", 400, 2, Programming,
        "A parameter is unknown, missing or of the wrong type.",
        "`oktant api --list` shows the parameters of each operation";
    OKT2017 "the org does not do this", "0A000", 501, 1, NotSupported,
        "The org does not offer this request at all, or not for this kind of object; repeating it changes nothing.",
        "change the object where it is kept (the members of an application's group in the application), or use another operation: `oktant api --list` shows them";

    OKT3001 "syntax error", "42601", 400, 1, Programming,
        "The statement is not valid SQL.",
        "correct the statement as the message says";
    OKT3002 "unknown table", "42P01", 400, 1, Programming,
        "No table or view has this name.",
        "SHOW TABLES lists the tables";
    OKT3003 "unknown column", "42703", 400, 1, Programming,
        "The table has no column of this name.",
        "DESCRIBE with the name of the table lists its columns";
    OKT3004 "request budget exceeded", "54000", 400, 1, Programming,
        "The statement needs more requests than MaxApiRequests allows. Where the size of the table is known, nothing was sent; else the pages read until then were requested, and the rows that came belong to an answer that is not whole.",
        "narrow the statement as the message proposes, or raise MaxApiRequests";
    OKT3005 "not supported", "0A000", 501, 1, NotSupported,
        "The statement asks for something that this version does not do.",
        "docs/guides/sql.md tells what is supported";
    OKT3006 "bad value", "22000", 400, 1, Data,
        "A value cannot be converted or computed.",
        "correct the value or the cast that the message names";
    OKT3007 "wrong parameters", "07001", 400, 1, Programming,
        "The number or the type of bound parameters does not fit the statement.",
        "bind one value of a simple type (text, number, boolean, time, bytes, NULL) for each placeholder, or a list of them for IN";
    OKT3008 "a parent key is needed", "42000", 400, 1, Programming,
        "The table is read per parent object, and the statement does not say which.",
        "add a predicate on the key column that the message names, or join the parent table";
    OKT3009 "the statement is read-only here", "25006", 403, 1, NotSupported,
        "The connection does not write.",
        "use the Management API for writes: `oktant api`";
    OKT3010 "cancelled", "57014", 499, 130, Operational,
        "The statement was interrupted.",
        "run it again";
    OKT3011 "ambiguous name", "42702", 400, 1, Programming,
        "A column name occurs in several tables of the statement.",
        "put the table's name or alias in front of it";
    OKT3012 "the cursor or connection is closed", "08003", 400, 1, Interface,
        "It was used after close, or in another process than the one that opened it.",
        "connect again, or take a new cursor of the connection";
    OKT3013 "query too large for memory", "53200", 503, 1, Operational,
        "Sorting, joining or grouping needs more memory than allowed.",
        "narrow the statement";

    OKT3014 "no privilege on a table", "42501", 403, 1, Programming,
        "No role of the user has been granted SELECT on the table.",
        "ask an administrator to grant SELECT on the table to one of your roles";

    OKT4001 "wrong usage", "00000", 400, 2, Interface,
        "An argument is missing or unknown.",
        "see --help";
    OKT4002 "a file cannot be read or written", "58030", 500, 1, Operational,
        "The path does not exist, or permissions or space are missing.",
        "check the path that the message names";
    OKT4003 "no org is configured", "08001", 400, 2, Programming,
        "Neither --dsn nor OKTANT_DSN says which org to use.",
        "pass --dsn, set OKTANT_DSN, or start a sandbox with `oktant sandbox` and use the dsn it prints";

    OKT4101 "a flopack cannot be read", "22000", 400, 1, Data,
        "The file is not JSON, or it is not as exports of Okta Workflows of the versions 1.2.0 to 1.5.0 are.",
        "export the folder again, or correct what the message names";
    OKT4102 "a flow cannot be written as a flopack", "0A000", 400, 1, NotSupported,
        "The flow says something that Okta Workflows has no card for.",
        "change what the message names; the text form keeps it as it is";
    OKT4103 "the text of a flow cannot be read", "22000", 400, 1, Data,
        "The file is not YAML, or it says something that a flow does not have.",
        "correct the line that the message names; docs/guides/flows.md shows the form";
    OKT4110 "a card reads what is not there", "42703", 400, 1, Programming,
        "A field takes an output of a card that does not exist, has no such output, or has not run yet.",
        "take the value from a card that runs before this one";
    OKT4111 "a value does not fit", "42804", 400, 1, Programming,
        "A field is fed with a value that can never become what the field takes.",
        "convert the value by a card of the matching kind";
    OKT4112 "a helper flow is called wrongly", "42883", 400, 1, Programming,
        "The flow that is called is no helper flow, or takes no input of the name that is given.",
        "name the inputs as the trigger of the helper flow does";
    OKT4113 "a card cannot be run", "0A000", 501, 1, NotSupported,
        "No connector or function is known under the address of the card.",
        "replace the card, or add a connector that has it";
    OKT4114 "a connection is missing", "08003", 400, 1, Programming,
        "A card names a connection that the project does not have.",
        "correct the name, add it to connections.yaml, or leave it out: then the card goes by its module";
    OKT4115 "a required field is empty", "23502", 400, 1, Programming,
        "The card cannot run without a value in this field.",
        "give the field a value";
    OKT4116 "a card never runs", "42000", 400, 1, Programming,
        "A card before it in the same body ends the flow in any case.",
        "move it before that card, or remove it";
    OKT4117 "something that the flow names is missing", "42704", 400, 1, Programming,
        "The project has no flow or table of this name.",
        "correct the name, or add what is missing to the project";
    OKT4118 "a body does not return what is read", "42703", 400, 1, Programming,
        "An output of If/ElseIf or If Error has to be returned by each body inside.",
        "add it to the Return of each body";
    OKT4119 "a setting of a flow is out of range", "22023", 400, 1, Programming,
        "A schedule, an operator or a concurrency is not one of those that exist.",
        "correct the setting that the message names";
    OKT4120 "a card has no such field", "42703", 400, 1, Programming,
        "A card is given a value under a name that none of its fields has; it would be left out in silence.",
        "name the field as the card does, with its section: `Section/Key`";

    OKT4201 "a value does not fit", "22018", 400, 1, Data,
        "A value reached an input of another type and has no meaning there.",
        "convert it first, for instance with Text to Date or Parse, or connect another output";
    OKT4202 "a required input is missing", "22004", 400, 1, Data,
        "The input is empty: nothing is connected to it, or what is connected gave nothing.",
        "connect a value, or test for empty before with Continue If or If/Else";
    OKT4203 "a function cannot use its input", "22023", 400, 1, Data,
        "The value has the right type but no result is defined for it.",
        "correct the value that the message names";
    OKT4204 "a value is too large or too deep", "54000", 400, 1, Data,
        "A limit that protects the process was reached.",
        "split the work, for instance with a helper flow per element";
    OKT4205 "a function is not available", "0A000", 400, 1, NotSupported,
        "The card's address names no function, or one that this version lacks.",
        "see the list of functions in docs/reference/functions.md";

    OKT4301 "the journal of flows cannot be used", "58030", 500, 1, Operational,
        "Its database cannot be opened, is damaged or failed.",
        "check the address of the journal, its permissions and the space on its disk";
    OKT4302 "another engine has the journal", "55006", 503, 1, Operational,
        "A journal in a SQLite file serves one engine at a time.",
        "stop the other engine, or share a journal on PostgreSQL";
    OKT4303 "no such flow or run", "02000", 404, 1, Data,
        "No flow or run has this id or name, or its retention is over.",
        "list them with `oktant flow list` or `oktant flow history`";
    OKT4304 "the flow is switched off", "55000", 409, 1, Operational,
        "Flows that are off are not started, and calling an off helper flow is an error.",
        "switch it on with `oktant flow on`";
    OKT4305 "the run is in another state", "55000", 409, 1, Operational,
        "What was asked for is possible only in some states of a run.",
        "look at the run in `oktant flow history`";
    OKT4306 "a schedule cannot be used", "22000", 400, 1, Programming,
        "A field of the schedule or its time zone is not understood.",
        "write six cron fields, seconds first, and a name of the time zone database";
    OKT4307 "the caller may not start the flow", "28000", 401, 4, Operational,
        "The client token or access token is missing or wrong.",
        "send the flow's client token as x-api-client-token, or an access token with the flow's scope";
    OKT4308 "the flow is called too often", "53300", 429, 6, Operational,
        "The endpoint of a flow takes a limited number of calls per second.",
        "call less often, or raise the flow's limit";
    OKT4309 "the engine is being closed", "57P01", 503, 1, Operational,
        "The process that runs flows is stopping; what was accepted goes on after its next start.",
        "try again when it is up";
    OKT4310 "the outcome of a step is unknown", "57014", 409, 1, Operational,
        "The engine stopped between a request and its answer, and the action cannot tell whether it happened.",
        "look in the target system, then `oktant flow decide RUN repeat|skip|fail`";
    OKT4311 "the run needs too much memory", "53200", 500, 1, Operational,
        "The values that the run's cards hold exceed the limit per run.",
        "stream large results through a helper flow, or raise the limit";
    OKT4312 "the run takes too many steps", "54000", 500, 1, Operational,
        "More cards ran than the limit per run allows; mostly a helper flow that calls itself.",
        "check loops and helper flows, or raise the limit";
    OKT4313 "a card has no implementation", "0A000", 501, 1, NotSupported,
        "The card's connector or operation is not part of Oktant.",
        "replace the card by a Custom API Action or an HTTP card";
    OKT4314 "a card failed", "38000", 500, 1, Operational,
        "A card of the flow ended with an error that nothing in the flow handled.",
        "look at the card's inputs and the target's answer in the run's history";
    OKT4315 "a flow is not ready to be switched on", "55000", 409, 1, Operational,
        "A card has no connection or no implementation, its connection is broken, a flow that it calls is missing, or \
         validation finds that the flow cannot do what it says.",
        "bind its cards with `oktant flow on --bind PLACEHOLDER=CONNECTION`";
    OKT4316 "a run did not end well", "38000", 500, 1, Operational,
        "The run that was waited for failed, was cancelled, or waits for a decision.",
        "`oktant flow history RUN` shows its steps; `oktant flow retry RUN --from-failure` goes on where it failed";
    OKT4317 "a flow cannot be removed", "55006", 409, 1, Operational,
        "It is switched on, runs of it are not over, or another flow calls it.",
        "switch it off with `oktant flow off` and wait for its runs, or remove it with --force, which cancels them";
    OKT4318 "the program failed in a run", "XX000", 500, 1, Operational,
        "A part of the program came upon something that it takes for impossible; the run was ended.",
        "report it with the message and the card; the steps that ended in the run's history have happened, an open one may have";

    OKT4501 "the egress guard refuses the address", "42501", 403, 1, Programming,
        "A flow may not reach private, loopback, link-local and metadata addresses, so that nobody reads an internal service through it.",
        "use a public address, or allow this host and port in OKTANT_EGRESS_ALLOW, such as host.example:8443";
    OKT4502 "unknown connection", "02000", 404, 2, Programming,
        "No connection has this name, or the card is bound to none.",
        "`oktant connect list` shows the connections; make one with `oktant connect salesforce|okta|http NAME`";
    OKT4503 "the connection is broken", "28000", 401, 4, Operational,
        "The service no longer accepts its credentials, and they could not be renewed.",
        "authorise it again with the same `oktant connect` command and --replace; its flows keep their binding";
    OKT4504 "the connection's secrets cannot be opened", "28000", 500, 4, Operational,
        "The key is missing, or the secrets were sealed with another one.",
        "give the key that sealed them in OKTANT_KEY, OKTANT_KEY_FILE or OKTANT_KEY_COMMAND, or make the connection again";
    OKT4505 "the store of connections and tables cannot be used", "58030", 500, 1, Operational,
        "The database cannot be opened, or refused.",
        "check the address and the permissions of the database that the message names";
    OKT4506 "a service cannot be reached", "58030", 502, 1, Operational,
        "Nothing answered at its address, or the answer is none.",
        "check the address in the connection's settings, and whether the service is up";
    OKT4507 "the connection's settings are wrong", "08001", 400, 2, Programming,
        "A setting is missing, unknown or of the wrong form.",
        "correct the setting that the message names";
    OKT4508 "a connector's manifest cannot be used", "42601", 500, 2, Programming,
        "The file is not of the form that connectors are described in.",
        "correct the place that the message names";
    OKT4509 "unknown table of flows", "42P01", 404, 2, Programming,
        "No table of flows has this id or name.",
        "`oktant flow tables` lists the tables; importing a folder makes those that its flows use";

    OKT5001 "the sandbox cannot start", "08001", 500, 1, Operational,
        "The port is taken or a file of faults cannot be read.",
        "choose another --port, or 0 for a free one";

    OKT6001 "the provisioning file cannot be used", "08001", 400, 2, Programming,
        "The file of a provisioning is missing, is not TOML, or has a key or value that does not exist.",
        "correct what the message names; docs/guides/provisioning.md lists every key";
    OKT6002 "a mapping cannot be used", "42601", 400, 2, Programming,
        "The expression or the target attribute of a mapping is not valid.",
        "correct the mapping at the place the message names";
    OKT6003 "the application cannot be provisioned from", "02000", 404, 1, Data,
        "No application has this id or label, several have it, or it is not active.",
        "give the id of an active application; `oktant api listApplications` shows them";
    OKT6004 "the target's address cannot be used", "08001", 400, 2, Programming,
        "The URL is not an https address that a SCIM client can use.",
        "give the base URL of the target's SCIM endpoint, such as https://my-account.snowflakecomputing.com/scim/v2";
    OKT6005 "the target refused the token", "28000", 401, 4, Operational,
        "The token is unknown, expired or revoked. The run stopped; nothing was marked as failed.",
        "make a new token, put it where target.token_env or target.token_file points, and run again";
    OKT6006 "the target refused access", "42501", 403, 1, Operational,
        "The token is valid, but its role or a network policy does not allow the request.",
        "check the network policy of the integration and the privileges of the role it runs as";
    OKT6007 "the target cannot be reached", "08006", 502, 1, Operational,
        "The name does not resolve, nothing listens there, or the connection was lost, also after retries.",
        "check target.url and the network";
    OKT6008 "the target's answer cannot be read", "08006", 502, 1, Operational,
        "The answer is not what the SCIM protocol promises.",
        "check that target.url is the base of a SCIM 2.0 endpoint; it ends before /Users";
    OKT6009 "a list of the target is incomplete", "58030", 502, 1, Operational,
        "The target's pages end early, repeat themselves or changed while they were read. Nothing was planned on half a list.",
        "run again; if it stays, set target.read = \"lookup\"";
    OKT6010 "a safeguard stopped the run", "55000", 409, 1, Data,
        "More users would be deactivated, or more members removed, than the safeguards of the file allow.",
        "look at the plan, then run with --force, or raise the limit in [safeguards]";
    OKT6011 "the state cannot be used", "58030", 500, 1, Operational,
        "The file that remembers what was provisioned cannot be read or written, or belongs to another application or target.",
        "check the path of `state`; another application or target needs a file of its own";
    OKT6012 "another run is under way", "55006", 409, 1, Operational,
        "A plan or apply of the same state is running.",
        "wait until it has ended";
    OKT6013 "some objects were not provisioned", "58030", 502, 1, Operational,
        "The target refused or failed for some objects; the others were provisioned.",
        "`oktant provision log` says why, per object; run again when it is mended";
    OKT6014 "the target failed", "08006", 502, 1, Operational,
        "The target answered with a server error or with its limit of requests, also after retries.",
        "try again later";
    OKT6015 "the target rejected a request", "22000", 400, 1, Data,
        "The target's validation refused a value.",
        "correct the mapping of the attribute that the message names";
    OKT6016 "a group cannot be pushed", "02000", 404, 1, Data,
        "A group of the provisioning file does not exist, its name is not unique, or groups contain each other in a circle.",
        "correct [groups] as the message says";

    OKT6500 "the SCIM request cannot be served", "22000", 400, 1, Data,
        "The body, path, filter or a parameter of the request is not what SCIM allows.",
        "correct what the detail of the answer names";
    OKT6501 "the SCIM credentials are refused", "28000", 401, 4, Operational,
        "The token is missing, unknown, revoked or expired.",
        "generate a new token and enter it at the identity provider";
    OKT6502 "the SCIM caller lacks the permission", "42501", 403, 1, Programming,
        "A network policy, or the owner of the object, forbids the request.",
        "grant what the detail of the answer names";
    OKT6503 "the SCIM resource does not exist", "02000", 404, 1, Data,
        "No user or group has this id, or the caller may not see it.",
        "look the resource up by its name before it is written";
    OKT6504 "the SCIM resource exists already", "23505", 409, 1, Integrity,
        "Another user or group has the same name.",
        "choose another name, or link to the existing one";
    OKT6505 "the SCIM resource has changed meanwhile", "40001", 412, 1, Integrity,
        "The version in If-Match is not the current one.",
        "read the resource again and repeat the request";
    OKT6506 "too many SCIM requests at once", "53400", 429, 6, Operational,
        "The limit of requests in flight to one endpoint is reached.",
        "repeat the request after the seconds that Retry-After names";
    OKT6509 "the SCIM service failed", "XX000", 500, 1, Internal,
        "A mistake of the service, or its storage is not available.",
        "the log of the service has the cause under the same time";

    OKT7001 "the account's store cannot be used", "58030", 500, 1, Operational,
        "The address names no database, it cannot be reached, or a newer version wrote it.",
        "check the store's URL, its permissions and the space on its disk";
    OKT7002 "the account refuses the login", "28000", 401, 4, Operational,
        "The name, password, role or address is not what the account allows, or the session has ended.",
        "check the user with `desc user`, and the network policies of account and user";
    OKT7003 "the account refuses the statement", "42000", 400, 1, Programming,
        "It does not parse, names what does not exist, or the session's role may not do it.",
        "see the message, which is the one that Snowflake gives; `use role` changes the role";

    OKT8001 "the server cannot listen", "08001", 500, 1, Operational,
        "The address is taken, not one of this machine, or below 1024 without the right to it.",
        "choose another --listen or --pg-listen; port 0 takes a free one";
    OKT8002 "the server cannot offer TLS", "08001", 500, 2, Programming,
        "A certificate or key file cannot be read, or the two do not belong together.",
        "give PEM files: --tls-cert with the whole chain, --tls-key with its private key";

    OKT9001 "internal error", "XX000", 500, 1, Internal,
        "A mistake of ours.",
        "please report it with the statement and this text";
}

/// The entry of a code, found by its name in any letter case.
pub fn find(id: &str) -> Option<Code> {
    ALL.iter().copied().find(|code| code.id().eq_ignore_ascii_case(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_whole() {
        let mut seen = std::collections::BTreeSet::new();
        for code in ALL {
            assert!(seen.insert(code.id()), "{} stands twice", code.id());
            assert_eq!(code.sqlstate().len(), 5, "{}", code.id());
            assert!(code.cause().ends_with('.') && !code.fix().ends_with('.'), "{}", code.id());
        }
        assert_eq!(find("okt1001"), Some(OKT1001));
        assert_eq!(find("OKT0000"), None);
    }
}
