//! What calls of particular operations need that their description does not say.

use oktant_catalog::Method::{self, Get, Patch, Post, Put};

/// A request to send before a call: method, path and body.
type Step = (Method, &'static str, &'static str);

/// What is special about calling an operation. Texts may hold places; see [`crate::world::World`].
pub(crate) struct Case {
    /// Requests to send before it. What they make is what the call is about.
    pub(crate) before: &'static [Step],
    /// Path parameters that name no object found in the usual way.
    pub(crate) path: &'static [(&'static str, &'static str)],
    pub(crate) query: &'static [(&'static str, &'static str)],
    /// Its JSON body; made from the schema if it is empty.
    pub(crate) body: &'static str,
}

impl Case {
    /// Of an operation about which nothing is special.
    pub(crate) const PLAIN: Self = Self { before: &[], path: &[], query: &[], body: "" };

    const fn body(body: &'static str) -> Self {
        Self { body, ..Self::PLAIN }
    }

    const fn after(before: &'static [Step]) -> Self {
        Self { before, ..Self::PLAIN }
    }

    const fn with_body(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    const fn with_path(self, path: &'static [(&'static str, &'static str)]) -> Self {
        Self { path, ..self }
    }

    const fn with_query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }
}

/// The shapes that names of parameters, and places, mean.
pub(crate) const ALIASES: &[(&[&str], &str)] = &[
    (&["user", "userId", "userIdOrLogin", "primaryUserId", "memberId", "ownerId", "contactUserId"], "/api/v1/users/{}"),
    (&["group", "groupId", "targetGroupId", "sourceGroupId"], "/api/v1/groups/{}"),
    (&["app", "appId", "clientId", "client_id", "allowedAppId", "appInstanceId"], "/api/v1/apps/{}"),
    (&["policy", "policyId"], "/api/v1/policies/{}"),
    (&["server", "authServerId", "associatedServerId"], "/api/v1/authorizationServers/{}"),
    (&["idp", "idpId"], "/api/v1/idps/{}"),
    (&["brand", "brandId"], "/api/v1/brands/{}"),
    (&["device", "deviceId"], "/api/v1/devices/{}"),
    (&["realm", "realmId"], "/api/v1/realms/{}"),
    (&["zone", "zoneId"], "/api/v1/zones/{}"),
    (&["role", "roleIdOrLabel"], "/api/v1/iam/roles/{}"),
    (&["set", "resourceSetIdOrLabel"], "/api/v1/iam/resource-sets/{}"),
    (&["type", "typeId"], "/api/v1/meta/types/user/{}"),
    (&["factor", "factorId"], "/api/v1/users/{}/factors/{}"),
    (&["user-role"], "/api/v1/users/{}/roles/{}"),
    (&["group-role"], "/api/v1/groups/{}/roles/{}"),
    (&["client-role"], "/oauth2/v1/clients/{}/roles/{}"),
    (&["link", "relationshipName", "primaryRelationshipName"], "/api/v1/meta/schemas/user/linkedObjects/{}"),
];

/// Where the key of an object stands, if not where most have it.
pub(crate) const KEYS: &[(&str, &str)] = &[
    ("/api/v1/org/contacts/{}", "/contactType"),
    ("/api/v1/meta/schemas/user/linkedObjects/{}", "/primary/name"),
    ("/api/v1/roles/{}/subscriptions/{}", "/notificationType"),
    ("/api/v1/users/{}/subscriptions/{}", "/notificationType"),
    ("/api/v1/iam/roles/{}/permissions/{}", "/label"),
    ("/api/v1/apps/{}/features/{}", "/name"),
    ("/api/v1/authenticators/{}/methods/{}", "/type"),
];

/// Keys of objects that no list shows.
pub(crate) const LITERALS: &[(&str, &str)] = &[
    ("/api/v1/roles/{}", "SUPER_ADMIN"),
    ("/api/v1/meta/schemas/user/{}", "default"),
    ("/api/v1/first-party-app-settings/{}", "admin-console"),
    ("/oauth2/v1/clients/{}", "<app>"),
];

const USER: &str = r#"{"profile": {"firstName": "New", "lastName": "User", "email": "new<n>@example.com",
    "login": "new<#n>@example.com", "mobilePhone": "+12345678901"},
    "credentials": {"password": {"value": "Compil3r-1952"}, "recovery_question": {"question": "Who?", "answer": "nobody"}}}"#;
const STAGED: &str = r#"{"profile": {"firstName": "New", "lastName": "User", "email": "new<n>@example.com",
    "login": "new<#n>@example.com"}}"#;
const NEW_USER: Step = (Post, "/api/v1/users?activate=true", USER);
const STAGED_USER: Step = (Post, "/api/v1/users?activate=false", STAGED);
const PROVISIONED_USER: Step = (Post, "/api/v1/users?activate=true", STAGED);

const OIDC: &str = r#"{"name": "oidc_client", "label": "Client <n>", "signOnMode": "OPENID_CONNECT",
    "credentials": {"oauthClient": {"token_endpoint_auth_method": "client_secret_basic"}},
    "settings": {"oauthClient": {"redirect_uris": ["https://example.com/cb"], "response_types": ["code"],
        "grant_types": ["authorization_code", "refresh_token"], "application_type": "web"}}}"#;
const OIDC_APP: Step = (Post, "/api/v1/apps", OIDC);
const BOOKMARK: &str = r#"{"name": "bookmark", "label": "Bookmark <n>", "signOnMode": "BOOKMARK",
    "settings": {"app": {"url": "https://example.com/bookmark"}}}"#;
const BOOKMARK_APP: Step = (Post, "/api/v1/apps", BOOKMARK);
const SAML_APP: Step = (
    Post,
    "/api/v1/apps",
    r#"{"label": "SAML <n>", "signOnMode": "SAML_2_0", "settings": {"signOn": {"ssoAcsUrl": "https://example.com/acs",
        "recipient": "https://example.com/acs", "destination": "https://example.com/acs", "audience": "https://example.com",
        "subjectNameIdTemplate": "${user.userName}", "subjectNameIdFormat": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified",
        "responseSigned": true, "assertionSigned": true, "signatureAlgorithm": "RSA_SHA256", "digestAlgorithm": "SHA256",
        "honorForceAuthn": true, "authnContextClassRef": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"}}}"#,
);
const ORG2ORG_APP: Step = (
    Post,
    "/api/v1/apps",
    r#"{"name": "okta_org2org", "label": "Org <n>", "signOnMode": "SAML_2_0", "settings": {"app": {
        "acsUrl": "https://example.com/acs", "audRestriction": "https://example.com", "baseUrl": "https://example.com"}}}"#,
);
const CONNECTION: Step = (
    Post,
    "/api/v1/apps/<app>/connections/default?activate=true",
    r#"{"profile": {"authScheme": "TOKEN", "token": "example"}}"#,
);
const PROVISIONED: Case = Case::after(&[ORG2ORG_APP, CONNECTION]);

const NEW_GROUP: Step = (Post, "/api/v1/groups", r#"{"profile": {"name": "Group <n>"}}"#);
const NEW_POLICY: Step = (Post, "/api/v1/policies", r#"{"type": "OKTA_SIGN_ON", "name": "Policy <n>"}"#);

/// Roles that take groups, and roles that take applications, each with two targets: the last stays.
const USER_GROUPS: Case = Case::after(&[
    NEW_USER,
    (Post, "/api/v1/users/<user>/roles", r#"{"type": "USER_ADMIN"}"#),
    NEW_GROUP,
    (Put, "/api/v1/users/<user>/roles/<user-role>/targets/groups/<group>", ""),
    NEW_GROUP,
    (Put, "/api/v1/users/<user>/roles/<user-role>/targets/groups/<group>", ""),
])
.with_path(&[("groupId", "<group>")]);
const USER_APPS: Case = Case::after(&[
    NEW_USER,
    (Post, "/api/v1/users/<user>/roles", r#"{"type": "APP_ADMIN"}"#),
    BOOKMARK_APP,
    (Put, "/api/v1/users/<user>/roles/<user-role>/targets/catalog/apps/salesforce", ""),
    (Put, "/api/v1/users/<user>/roles/<user-role>/targets/catalog/apps/bookmark", ""),
    (Put, "/api/v1/users/<user>/roles/<user-role>/targets/catalog/apps/bookmark/<app>", ""),
])
.with_path(&[("appName", "bookmark"), ("appId", "<app>")]);
const GROUP_GROUPS: Case = Case::after(&[
    NEW_GROUP,
    (Post, "/api/v1/groups/<group>/roles", r#"{"type": "USER_ADMIN"}"#),
    (Put, "/api/v1/groups/<group>/roles/<group-role>/targets/groups/<old:group>", ""),
    (Put, "/api/v1/groups/<group>/roles/<group-role>/targets/groups/<group>", ""),
])
.with_path(&[("targetGroupId", "<group>")]);
const GROUP_APPS: Case = Case::after(&[
    NEW_GROUP,
    (Post, "/api/v1/groups/<group>/roles", r#"{"type": "APP_ADMIN"}"#),
    BOOKMARK_APP,
    (Put, "/api/v1/groups/<group>/roles/<group-role>/targets/catalog/apps/salesforce", ""),
    (Put, "/api/v1/groups/<group>/roles/<group-role>/targets/catalog/apps/bookmark", ""),
    (Put, "/api/v1/groups/<group>/roles/<group-role>/targets/catalog/apps/bookmark/<app>", ""),
])
.with_path(&[("appName", "bookmark"), ("appId", "<app>")]);
const CLIENT_GROUPS: Case = Case::after(&[
    OIDC_APP,
    (Post, "/oauth2/v1/clients/<app>/roles", r#"{"type": "USER_ADMIN"}"#),
    NEW_GROUP,
    (Put, "/oauth2/v1/clients/<app>/roles/<client-role>/targets/groups/<group>", ""),
    NEW_GROUP,
    (Put, "/oauth2/v1/clients/<app>/roles/<client-role>/targets/groups/<group>", ""),
])
.with_path(&[("groupId", "<group>")]);
const CLIENT_APPS: Case = Case::after(&[
    OIDC_APP,
    (Post, "/oauth2/v1/clients/<app>/roles", r#"{"type": "APP_ADMIN"}"#),
    (Put, "/oauth2/v1/clients/<app>/roles/<client-role>/targets/catalog/apps/salesforce", ""),
    (Put, "/oauth2/v1/clients/<app>/roles/<client-role>/targets/catalog/apps/oidc_client", ""),
    (Put, "/oauth2/v1/clients/<app>/roles/<client-role>/targets/catalog/apps/oidc_client/<app>", ""),
])
.with_path(&[("appName", "oidc_client"), ("appId", "<app>")]);

const QUESTION: Step = (
    Post,
    "/api/v1/users/<user>/factors",
    r#"{"factorType": "question", "provider": "OKTA", "profile": {"question": "disliked_food", "answer": "turnips"}}"#,
);
const PHONE: Step = (
    Post,
    "/api/v1/users/<user>/factors",
    r#"{"factorType": "sms", "provider": "OKTA", "profile": {"phoneNumber": "+12345678901"}}"#,
);
const FACTOR: Case = Case::after(&[NEW_USER, QUESTION]);
const KEY: Step = (Post, "/api/v1/users/<user>/factors", r#"{"factorType": "webauthn", "provider": "FIDO"}"#);

const SOCIAL: &str = r#"{"type": "GOOGLE", "name": "Social <n>", "protocol": {"type": "OIDC", "scopes": ["openid", "email"],
    "credentials": {"client": {"client_id": "example", "client_secret": "example"}}},
    "policy": {"provisioning": {"action": "AUTO"}, "accountLink": {"action": "AUTO"},
        "subject": {"userNameTemplate": {"template": "idpuser.email"}, "matchType": "USERNAME"}, "maxClockSkew": 0}}"#;
const NEW_IDP: Step = (Post, "/api/v1/idps", SOCIAL);
const NEW_IDP_KEY: Step = (Post, "/api/v1/idps/<idp>/credentials/keys/generate?validityYears=2", "");
const IDP_KEY: Case = Case::after(&[NEW_IDP, NEW_IDP_KEY]).with_path(&[("kid", "<last:/kid>")]);
const CERTIFICATE: Case =
    Case::after(&[NEW_IDP, NEW_IDP_KEY, (Post, "/api/v1/idps/credentials/keys", r#"{"x5c": ["<last:/x5c/0>"]}"#)])
        .with_path(&[("kid", "<last:/kid>")]);

const PUBLIC_KEY: &str = r#"{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "key<n>", "status": "ACTIVE", "e": "AQAB", "n": "<modulus>"}"#;
const JWK: Case = Case::after(&[OIDC_APP, (Post, "/api/v1/apps/<app>/credentials/jwks", PUBLIC_KEY)]);
/// The fourth authenticator of a new org.
const PHONE_AUTHENTICATOR: Step = (Get, "/api/v1/authenticators", "");
const ENROLMENT: &str = r#"{"authenticatorId": "<last:/3/id>", "profile": {"phoneNumber": "+12345678901"}}"#;
const ENROLLED: Case =
    Case::after(&[PHONE_AUTHENTICATOR, (Post, "/api/v1/users/<user>/authenticator-enrollments/phone", ENROLMENT)])
        .with_path(&[("enrollmentId", "<last:/id>")]);
const WEBAUTHN: Case = Case::after(&[(
    Put,
    "/api/v1/authenticators/</api/v1/authenticators/{}>/methods/webauthn",
    r#"{"type": "webauthn", "status": "ACTIVE"}"#,
)])
.with_path(&[("methodType", "webauthn"), ("webAuthnMethodType", "webauthn")]);

const SESSION: Case = Case::after(&[
    NEW_USER,
    (Post, "/api/v1/authn", r#"{"username": "<last:/profile/login>", "password": "Compil3r-1952"}"#),
    (Post, "/api/v1/sessions", r#"{"sessionToken": "<last:/sessionToken>"}"#),
])
.with_path(&[("sessionId", "<last:/id>")]);
const LINKED: Case = Case::after(&[NEW_USER, (Put, "/api/v1/users/<user>/linkedObjects/<link>/<old:user>", "")]);
const STREAM: &str = r#"{"type": "aws_eventbridge", "name": "Stream <n>", "settings": {"accountId": "123456789012",
    "eventSourceName": "source<#n>", "region": "us-east-1"}}"#;
const SIGN_IN_PAGE: &str = r#"{"pageContent": "Sign in", "widgetVersion": "^7"}"#;
const ERROR_PAGE: &str = r#"{"pageContent": "Error"}"#;
const OWNED: Case =
    Case::after(&[NEW_GROUP, (Post, "/api/v1/groups/<group>/owners", r#"{"id": "<user>", "type": "USER"}"#)])
        .with_path(&[("ownerId", "<user>")]);
const MAPPED_GROUP: Case =
    Case::after(&[NEW_GROUP, (Put, "/api/v1/apps/<app>/groups/<group>", "{}")]).with_path(&[("groupId", "<group>")]);
const RULE: &str = r#"{"type": "group_rule", "name": "Rule <n>", "conditions": {"expression": {"type": "urn:okta:expression:1.0",
    "value": "user.lastName==\"Nobody\""}}, "actions": {"assignUserToGroups": {"groupIds": ["<group>"]}}}"#;

/// The operations about which something is special, by id.
pub(crate) const CASES: &[(&str, Case)] = &[
    ("activateUser", Case::after(&[STAGED_USER])),
    ("addGroup", Case::body(NEW_GROUP.2)),
    ("replaceGroup", Case::body(NEW_GROUP.2)),
    ("createUser", Case::body(USER)),
    ("deactivateUser", Case::after(&[NEW_USER])),
    ("deleteUser", Case::after(&[NEW_USER])),
    ("expirePassword", Case::after(&[NEW_USER])),
    ("expirePasswordWithTempPassword", Case::after(&[NEW_USER])),
    ("reactivateUser", Case::after(&[PROVISIONED_USER])),
    ("resetFactors", Case::after(&[NEW_USER])),
    ("resetPassword", Case::after(&[NEW_USER]).with_query(&[("sendEmail", "false")])),
    ("suspendUser", Case::after(&[NEW_USER])),
    ("unsuspendUser", Case::after(&[NEW_USER, (Post, "/api/v1/users/<user>/lifecycle/suspend", "")])),
    ("updateUser", Case::body(r#"{"profile": {"nickName": "Nick"}}"#)),
    (
        "replaceUser",
        Case::body(r#"{"profile": {"firstName": "Re", "lastName": "Placed", "email": "re<n>@example.com", "login": "re<#n>@example.com"}}"#),
    ),
    (
        "changePassword",
        Case::after(&[NEW_USER])
            .with_body(r#"{"oldPassword": {"value": "Compil3r-1952"}, "newPassword": {"value": "Compil3r-1953"}}"#),
    ),
    (
        "changeRecoveryQuestion",
        Case::after(&[NEW_USER]).with_body(
            r#"{"password": {"value": "Compil3r-1952"}, "recovery_question": {"question": "What?", "answer": "something"}}"#,
        ),
    ),
    ("forgotPassword", Case::after(&[NEW_USER]).with_query(&[("sendEmail", "false")])),
    (
        "forgotPasswordSetNewPassword",
        Case::after(&[NEW_USER]).with_body(
            r#"{"password": {"value": "Compil3r-1953"}, "recovery_question": {"question": "Who?", "answer": "nobody"}}"#,
        ),
    ),
    ("assignRoleToUser", Case::after(&[NEW_USER]).with_body(r#"{"type": "USER_ADMIN"}"#)),
    ("getUserAssignedRole", USER_GROUPS),
    ("unassignRoleFromUser", USER_GROUPS),
    ("assignGroupTargetToUserRole", USER_GROUPS),
    ("listGroupTargetsForRole", USER_GROUPS),
    ("unassignGroupTargetFromUserAdminRole", USER_GROUPS),
    ("assignAllAppsAsTargetToRoleForUser", USER_APPS),
    ("assignAppTargetToAdminRoleForUser", USER_APPS),
    ("assignAppInstanceTargetToAppAdminRoleForUser", USER_APPS),
    ("listApplicationTargetsForApplicationAdministratorRoleForUser", USER_APPS),
    ("unassignAppTargetFromAppAdminRoleForUser", USER_APPS),
    ("unassignAppInstanceTargetFromAdminRoleForUser", USER_APPS),
    ("assignRoleToGroup", Case::body(r#"{"type": "USER_ADMIN"}"#)),
    ("assignGroupTargetToGroupAdminRole", GROUP_GROUPS),
    ("listGroupTargetsForGroupRole", GROUP_GROUPS),
    ("unassignGroupTargetFromGroupAdminRole", GROUP_GROUPS),
    ("assignAppTargetToAdminRoleForGroup", GROUP_APPS),
    ("assignAppInstanceTargetToAppAdminRoleForGroup", GROUP_APPS),
    ("listApplicationTargetsForApplicationAdministratorRoleForGroup", GROUP_APPS),
    ("unassignAppTargetToAdminRoleForGroup", GROUP_APPS),
    ("unassignAppInstanceTargetToAppAdminRoleForGroup", GROUP_APPS),
    ("assignRoleToClient", Case::after(&[OIDC_APP]).with_body(r#"{"type": "USER_ADMIN"}"#)),
    ("listRolesForClient", CLIENT_GROUPS),
    ("retrieveClientRole", CLIENT_GROUPS),
    ("deleteRoleFromClient", CLIENT_GROUPS),
    ("assignGroupTargetRoleForClient", CLIENT_GROUPS),
    ("listGroupTargetRoleForClient", CLIENT_GROUPS),
    ("removeGroupTargetRoleFromClient", CLIENT_GROUPS),
    ("assignAppTargetRoleToClient", CLIENT_APPS),
    ("assignAppTargetInstanceRoleForClient", CLIENT_APPS),
    ("listAppTargetRoleToClient", CLIENT_APPS),
    ("removeAppTargetRoleFromClient", CLIENT_APPS),
    ("removeAppTargetInstanceRoleForClient", CLIENT_APPS),
    ("enrollFactor", Case::after(&[NEW_USER]).with_body(QUESTION.2)),
    ("getFactor", FACTOR),
    ("unenrollFactor", FACTOR),
    ("verifyFactor", FACTOR.with_body(r#"{"answer": "turnips"}"#)),
    ("resendEnrollFactor", Case::after(&[NEW_USER, PHONE])),
    (
        "createApplication",
        Case::body(OIDC),
    ),
    ("replaceApplication", Case::body(OIDC)),
    ("assignUserToApplication", Case::after(&[NEW_USER]).with_body(r#"{"id": "<user>"}"#)),
    ("updateApplicationUser", Case::body(r#"{"credentials": {"userName": "rolf"}}"#)),
    ("assignGroupToApplication", Case::body("{}")),
    (
        "updateGroupAssignmentToApplication",
        Case::after(&[NEW_GROUP, (Put, "/api/v1/apps/<app>/groups/<group>", "{}")])
            .with_path(&[("groupId", "<group>")])
            .with_body(r#"[{"op": "replace", "path": "/priority", "value": 1}]"#),
    ),
    ("grantConsentToScope", Case::after(&[OIDC_APP]).with_body(r#"{"issuer": "<issuer>", "scopeId": "okta.users.read"}"#)),
    ("updateDefaultProvisioningConnectionForApplication", Case::after(&[ORG2ORG_APP]).with_body(CONNECTION.2)),
    ("listFeaturesForApplication", PROVISIONED),
    ("getFeatureForApplication", PROVISIONED.with_path(&[("featureName", "USER_PROVISIONING")])),
    (
        "updateFeatureForApplication",
        PROVISIONED
            .with_path(&[("featureName", "USER_PROVISIONING")])
            .with_body(r#"{"create": {"lifecycleCreate": {"status": "ENABLED"}}}"#),
    ),
    ("generateApplicationKey", Case::PLAIN.with_query(&[("validityYears", "5")])),
    ("cloneApplicationKey", Case::after(&[OIDC_APP]).with_query(&[("targetAid", "<old:app>")])),
    (
        "createGroupPushMapping",
        Case::after(&[NEW_GROUP]).with_body(r#"{"sourceGroupId": "<group>", "targetGroupName": "pushed"}"#),
    ),
    ("createInterclientTrustMapping", Case::after(&[OIDC_APP]).with_body(r#"{"clientId": "<old:app>"}"#)),
    ("createPolicy", Case::body(NEW_POLICY.2)),
    ("replacePolicy", Case::body(NEW_POLICY.2)),
    (
        "createPolicyRule",
        Case::body(
            r#"{"type": "SIGN_ON", "name": "Rule <n>", "actions": {"signon": {"access": "ALLOW", "requireFactor": false,
                "session": {"usePersistentCookie": false, "maxSessionIdleMinutes": 720, "maxSessionLifetimeMinutes": 0}}}}"#,
        ),
    ),
    (
        "replacePolicyRule",
        Case::body(
            r#"{"type": "SIGN_ON", "name": "Rule <n>", "actions": {"signon": {"access": "ALLOW", "requireFactor": false,
                "session": {"usePersistentCookie": false, "maxSessionIdleMinutes": 360, "maxSessionLifetimeMinutes": 0}}}}"#,
        ),
    ),
    (
        "createAuthorizationServer",
        Case::body(r#"{"name": "Server <n>", "description": "made by a test", "audiences": ["api://test"]}"#),
    ),
    ("createLinkedObjectDefinition", Case::body(
        r#"{"primary": {"name": "boss<n>", "title": "Boss", "type": "USER"}, "associated": {"name": "report<#n>", "title": "Report", "type": "USER"}}"#,
    )),
    ("createGroupRule", Case::body(RULE)),
    ("replaceGroupRule", Case::body(RULE)),
    ("getApplicationGroupAssignment", MAPPED_GROUP),
    ("unassignApplicationFromGroup", MAPPED_GROUP),
    ("assignGroupOwner", Case::after(&[NEW_GROUP]).with_body(r#"{"id": "<user>", "type": "USER"}"#)),
    ("deleteGroupOwner", OWNED),
    ("assignLinkedObjectValueForPrimary", Case::after(&[NEW_USER]).with_path(&[("primaryUserId", "<old:user>")])),
    ("listLinkedObjectsForUser", LINKED),
    ("deleteLinkedObjectForUser", LINKED),
    (
        "activateFactor",
        Case::after(&[NEW_USER, KEY]).with_body(r#"{"attestation": "example", "clientData": "example"}"#),
    ),
    ("getSession", SESSION),
    ("refreshSession", SESSION),
    ("revokeSession", SESSION),
    ("createIdentityProvider", Case::body(SOCIAL)),
    ("replaceIdentityProvider", Case::body(SOCIAL)),
    ("createIdentityProviderKey", Case::after(&[NEW_IDP, NEW_IDP_KEY]).with_body(r#"{"x5c": ["<last:/x5c/0>"]}"#)),
    ("getIdentityProviderKey", CERTIFICATE),
    ("replaceIdentityProviderKey", CERTIFICATE),
    ("deleteIdentityProviderKey", CERTIFICATE),
    ("generateIdentityProviderSigningKey", Case::PLAIN.with_query(&[("validityYears", "2")])),
    ("getIdentityProviderSigningKey", IDP_KEY),
    ("cloneIdentityProviderKey", IDP_KEY.with_query(&[("targetIdpId", "<old:idp>")])),
    (
        "publishCsrForIdentityProvider",
        Case::after(&[NEW_IDP_KEY])
            .with_body("-----BEGIN CERTIFICATE-----\n<last:/x5c/0>\n-----END CERTIFICATE-----\n"),
    ),
    ("createPolicySimulation", Case::body(r#"[{"appInstance": "<app>"}]"#)),
    (
        "clonePolicy",
        Case::after(&[(Post, "/api/v1/policies", r#"{"type": "ACCESS_POLICY", "name": "Policy <n>"}"#)]),
    ),
    (
        "createAgentPoolsUpdate",
        Case::body(r#"{"name": "Update <n>", "agentType": "AD", "agentList": [{"id": "a53example"}], "agents": []}"#),
    ),
    ("addJwk", Case::body(PUBLIC_KEY)),
    ("createOAuth2ClientSecret", Case::body(r#"{"client_secret": "example-secret-<n>", "status": "ACTIVE"}"#)),
    (
        "deleteGroupPushMapping",
        Case::after(&[(
            Patch,
            "/api/v1/apps/<app>/group-push/mappings/</api/v1/apps/{}/group-push/mappings/{}>",
            r#"{"status": "INACTIVE"}"#,
        )]),
    ),
    ("activateOAuth2ClientJsonWebKey", JWK),
    ("deactivateOAuth2ClientJsonWebKey", JWK),
    ("createAuthenticatorEnrollment", Case::after(&[PHONE_AUTHENTICATOR]).with_body(ENROLMENT)),
    ("getAuthenticatorEnrollment", ENROLLED),
    ("deleteAuthenticatorEnrollment", ENROLLED),
    (
        "createTacAuthenticatorEnrollment",
        Case::after(&[(Post, "/api/v1/authenticators", r#"{"key": "tac", "name": "Temporary Access Code"}"#)])
            .with_body(r#"{"authenticatorId": "<last:/id>", "profile": {"ttl": "60"}}"#),
    ),
    ("getAuthenticatorMethod", WEBAUTHN),
    ("verifyRpIdDomain", WEBAUTHN),
    (
        "revokeCsrForIdentityProvider",
        Case::after(&[NEW_IDP, (Post, "/api/v1/idps/<idp>/credentials/csrs", r#"{"subject": {"commonName": "SP"}}"#)]),
    ),
    ("createLogStream", Case::body(STREAM)),
    ("replaceLogStream", Case::body(STREAM)),
    (
        "listPrincipalRateLimitEntities",
        Case::PLAIN.with_query(&[("filter", "principalType eq \"SSWS_TOKEN\"")]),
    ),
    ("getPublicKey", Case::after(&[(Post, "/api/v1/hook-keys", r#"{"name": "Key <n>"}"#)]).with_path(&[("keyId", "<last:/keyId>")])),
    (
        "previewSAMLmetadataForApplication",
        Case::after(&[SAML_APP, (Get, "/api/v1/apps/<app>/credentials/keys", "")]).with_query(&[("kid", "<last:/0/kid>")]),
    ),
    ("replaceCustomizedSignInPage", Case::body(SIGN_IN_PAGE)),
    ("replacePreviewSignInPage", Case::body(SIGN_IN_PAGE)),
    (
        "getCustomizedSignInPage",
        Case::after(&[(Put, "/api/v1/brands/<brand>/pages/sign-in/customized", SIGN_IN_PAGE)]),
    ),
    (
        "getPreviewSignInPage",
        Case::after(&[(Put, "/api/v1/brands/<brand>/pages/sign-in/preview", SIGN_IN_PAGE)]),
    ),
    ("getCustomizedErrorPage", Case::after(&[(Put, "/api/v1/brands/<brand>/pages/error/customized", ERROR_PAGE)])),
    ("getPreviewErrorPage", Case::after(&[(Put, "/api/v1/brands/<brand>/pages/error/preview", ERROR_PAGE)])),
];

/// Operations that the org refuses in spite of all that, by the reason.
pub(crate) const REFUSED: &[(&str, &[&str])] = &[
    (
        "the org lacks the product, and says so as recorded orgs do",
        &[
            "createCustomAAGUID",
            "createDevicePostureCheck",
            "createSsfStream",
            "deleteCustomAAGUID",
            "deleteDevicePostureCheck",
            "deleteSsfStream",
            "getAllWellKnownURIs",
            "getBrandWellKnownURI",
            "getCustomAAGUID",
            "getDRStatus",
            "getDRStatusForDomain",
            "getDevicePostureCheck",
            "getGroupAttributeQueryResult",
            "getRootBrandWellKnownURI",
            "getSsfStreamStatus",
            "getSsfStreams",
            "listAllCustomAAGUIDs",
            "listDevicePostureChecks",
            "listUserBlocks",
            "replaceBrandWellKnownURI",
            "replaceCustomAAGUID",
            "replaceDevicePostureCheck",
            "replaceSsfStream",
            "startOrgFailback",
            "startOrgFailover",
            "submitGroupAttributeQuery",
            "updateCustomAAGUID",
            "updateGroupMembership",
            "updateSsfStream",
            "verifySsfStream",
        ],
    ),
    (
        "there is nothing of its kind, and no operation of the management API makes one",
        &[
            "activateDevice",
            "activateDeviceIntegration",
            "deactivateDevice",
            "deactivateDeviceIntegration",
            "deleteDevice",
            "deletePolicyResourceMapping",
            "getDevice",
            "getDeviceIntegration",
            "getFactorTransactionStatus",
            "getLogStreamSchema",
            "getOAuth2TokenForApplication",
            "getPolicyMapping",
            "getRefreshTokenForAuthorizationServerAndClient",
            "getRefreshTokenForUserAndClient",
            "getRoleAssignmentGovernanceGrant",
            "getRoleAssignmentGovernanceGrantResources",
            "getUserGrant",
            "listDeviceUsers",
            "revokeOAuth2TokenForApplication",
            "revokeRefreshTokenForAuthorizationServerAndClient",
            "revokeTokenForUserAndClient",
            "revokeUserGrant",
            "suspendDevice",
            "unsuspendDevice",
        ],
    ),
    ("nobody is locked out", &["unlockUser"]),
    ("the message before it was sent a moment ago", &["resendEnrollFactor"]),
    ("nobody answers at the hook's address", &["executeInlineHook"]),
    ("orgs do not map here any more, as recorded", &["mapResourceToPolicy"]),
];
