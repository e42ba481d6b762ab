//! Schemas of profiles and the types that choose among them.

mod app;
mod attribute;
mod definition;
mod document;
mod serve;
mod types;

use crate::http::Handler;

pub(crate) use definition::{Schema, looks_like_email};

/// Operations served here.
pub(crate) const HANDLERS: &[(&str, Handler)] = &[
    ("getUserSchema", Handler::Read(serve::user)),
    ("updateUserProfile", Handler::Write(serve::update_user)),
    ("getGroupSchema", Handler::Read(serve::group)),
    ("updateGroupSchema", Handler::Write(serve::update_group)),
    ("getApplicationUserSchema", Handler::Read(app::get)),
    ("updateApplicationUserProfile", Handler::Write(app::update)),
    ("listUserTypes", Handler::Read(types::list)),
    ("createUserType", Handler::Write(types::create)),
    ("getUserType", Handler::Read(types::get)),
    ("updateUserType", Handler::Write(types::update)),
    ("replaceUserType", Handler::Write(types::replace)),
    ("deleteUserType", Handler::Write(types::delete)),
];
