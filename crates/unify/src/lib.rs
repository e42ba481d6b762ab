//! No code: the manifest is the content.
