//! A local Okta org that behaves like a real one; shares no code with the client
