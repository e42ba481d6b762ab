//! The types of events that the sandbox writes.

/// A type of event: its name, what it displays, and its older name.
///
/// # Source
///
/// Okta's catalogue of event types; messages and older names checked against published samples where
/// there are any.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) event_type: &'static str,
    pub(crate) message: &'static str,
    pub(crate) legacy: Option<&'static str>,
}

macro_rules! kinds {
    ($($name:ident $event_type:literal, $message:literal $(, $legacy:literal)?;)*) => {
        impl Kind {
            $(pub(crate) const $name: Self = Self {
                event_type: $event_type,
                message: $message,
                legacy: kinds!(@legacy $($legacy)?),
            };)*
        }
    };
    (@legacy $legacy:literal) => { Some($legacy) };
    (@legacy) => { None };
}

kinds! {
    USER_CREATE "user.lifecycle.create", "Create okta user", "core.user.config.user_creation.success";
    USER_ACTIVATE "user.lifecycle.activate", "Activate Okta user", "core.user.config.user_activated";
    USER_REACTIVATE "user.lifecycle.reactivate", "Reactivate Okta user";
    USER_DEACTIVATE "user.lifecycle.deactivate", "Deactivate Okta user", "core.user.config.user_deactivated";
    USER_SUSPEND "user.lifecycle.suspend", "Suspend Okta user";
    USER_UNSUSPEND "user.lifecycle.unsuspend", "Unsuspend Okta user";
    USER_DELETE_INITIATED "user.lifecycle.delete.initiated", "Delete Okta user initiated";
    USER_DELETE_COMPLETED "user.lifecycle.delete.completed", "Delete Okta user completed";
    USER_UPDATE_PROFILE "user.account.update_profile", "Update user profile for Okta";
    USER_UPDATE_TYPE "user.account.update_user_type", "Update user type";
    USER_UPDATE_PASSWORD "user.account.update_password", "User update password for Okta", "core.user.config.password_update.success";
    USER_RESET_PASSWORD "user.account.reset_password", "User reset password for Okta", "core.user.config.user_status.password_reset";
    USER_EXPIRE_PASSWORD "user.account.expire_password", "Expire user password";
    USER_UNLOCK "user.account.unlock_by_admin", "Unlock user account by admin";
    USER_RESET_FACTORS "user.mfa.factor.reset_all", "Reset all factors for user";
    FACTOR_ACTIVATE "user.mfa.factor.activate", "Activate factor or authenticator enrollment method for user";
    FACTOR_DEACTIVATE "user.mfa.factor.deactivate", "Reset factor or authenticator enrollment for user";
    SESSION_START "user.session.start", "User login to Okta", "core.user_auth.login_success";
    SESSION_CLEAR "user.session.clear", "Clear user session";
    GROUP_CREATE "group.lifecycle.create", "Create Okta group";
    GROUP_UPDATE "group.profile.update", "Update Okta group";
    GROUP_DELETE "group.lifecycle.delete", "Delete Okta group";
    MEMBER_ADD "group.user_membership.add", "Add user to group membership", "core.user_group_member.user_add";
    MEMBER_REMOVE "group.user_membership.remove", "Remove user from group membership", "core.user_group_member.user_remove";
    RULE_ADD "policy.rule.add", "Add policy rule";
    RULE_UPDATE "policy.rule.update", "Update policy rule";
    RULE_ACTIVATE "policy.rule.activate", "Activate policy rule";
    RULE_DEACTIVATE "policy.rule.deactivate", "Deactivate policy rule";
    RULE_DELETE "policy.rule.delete", "Delete policy rule";
    RULE_INVALIDATE "group.user_membership.rule.invalidate", "Invalidate group rule";
    APP_CREATE "application.lifecycle.create", "Create application";
    APP_UPDATE "application.lifecycle.update", "Update application";
    APP_ACTIVATE "application.lifecycle.activate", "Activate application";
    APP_DEACTIVATE "application.lifecycle.deactivate", "Deactivate application";
    APP_DELETE "application.lifecycle.delete", "Delete application";
    APP_GROUP_ADD "group.application_assignment.add", "Add group to application assignment";
    APP_GROUP_UPDATE "group.application_assignment.update", "Update group application assignment";
    APP_GROUP_REMOVE "group.application_assignment.remove", "Remove group from application assignment";
    APP_USER_ADD "application.user_membership.add", "Add user to application membership", "app.generic.provision.assign_user_to_app";
    APP_USER_UPDATE "application.user_membership.update", "Update application user membership";
    APP_USER_REMOVE "application.user_membership.remove", "Remove user's application membership";
    PUSH_MAPPING_CREATED "application.provision.group_push.mapping.created", "Create group push mapping";
    PUSH_MAPPING_ACTIVATE "application.provision.group_push.activate_mapping", "Activate group push mapping";
    PUSH_MAPPING_DEACTIVATE "application.provision.group_push.deactivate_mapping", "Deactivate group push mapping";
    PUSH_MAPPING_REMOVED "application.provision.group_push.removed", "Remove group push mapping";
    USER_ROLE_GRANT "user.account.privilege.grant", "Grant user privilege", "core.user.admin_privilege.granted";
    USER_ROLE_REVOKE "user.account.privilege.revoke", "Revoke user privilege", "core.user.admin_privilege.revoked";
    GROUP_ROLE_GRANT "group.privilege.grant", "Grant group privilege";
    GROUP_ROLE_REVOKE "group.privilege.revoke", "Revoke group privilege";
    CLIENT_ROLE_GRANT "app.oauth2.client.privilege.grant", "Grant OAuth client privilege";
    CLIENT_ROLE_REVOKE "app.oauth2.client.privilege.revoke", "Revoke OAuth client privilege";
    SCHEMA_UPDATE "directory.user_profile.update", "Update user profile schema";
    APP_SCHEMA_UPDATE "directory.app_user_profile.update", "Update application user profile schema";
    MAPPING_UPDATE "directory.mapping.update", "Update profile mapping";
    TYPE_CREATE "directory.non_default_user_profile.create", "Create non-default user profile";
}
