//! Decides by name which members of a payload are kept. Names are compared in normalised form, see [`normal`].

use std::borrow::Cow;

use crate::json::Json;

/// Which parts of a payload are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Everything except secrets. Nested messages are reduced as with [`Keep::Metadata`].
    Everything,
    /// Ids, types, times and similar members. For messages, whose texts are never kept.
    Metadata,
}

/// Names of members that contain a credential.
const SECRETS: &[&str] = &[
    "accesstoken",
    "apikey",
    "apisecret",
    "appsecret",
    "authorization",
    "clientsecret",
    "jwt",
    "password",
    "refreshtoken",
    "secret",
    "sdp",
    "secretkey",
    "sessiontoken",
    "token",
    "verifytoken",
    "webhooksecret",
    "xapikey",
];

/// Names of members that contain messages or texts that people wrote.
const MESSAGES: &[&str] =
    &["conversation", "history", "messageechoes", "messages", "messagebody", "quotedmessage", "threads"];

/// Names of members of a message that contain no text that a person wrote.
const METADATA: &[&str] = &[
    "accountid",
    "actiontype",
    "answer",
    "answerid",
    "campaignid",
    "channelphonenumber",
    "chatmessagetype",
    "chunkorder",
    "cleanedsenderpn",
    "code",
    "context",
    "contextinfo",
    "countrycode",
    "customer",
    "data",
    "displayphonenumber",
    "error",
    "errors",
    "event",
    "field",
    "flowid",
    "from",
    "fromme",
    "fromuserid",
    "groupid",
    "history",
    "historycontext",
    "id",
    "interactive",
    "key",
    "message",
    "messagecontenttype",
    "messageechoes",
    "messageid",
    "messages",
    "messagestatus",
    "messagetimestamp",
    "messagingproduct",
    "metadata",
    "msgid",
    "originalmessageid",
    "participant",
    "phase",
    "phonenumber",
    "phonenumberid",
    "progress",
    "question",
    "receivedatutc",
    "recipient",
    "recipientid",
    "remotejid",
    "revoke",
    "sender",
    "senderpn",
    "standby",
    "stanzaid",
    "status",
    "threads",
    "timestamp",
    "to",
    "touserid",
    "type",
    "unsupported",
    "userid",
    "waid",
];

/// Names of members that contain a phone number.
const PHONES: &[&str] = &[
    "chatid",
    "customernumber",
    "from",
    "input",
    "jid",
    "participant",
    "participantrecipientid",
    "recipientid",
    "recipientparticipantid",
    "to",
    "userjid",
    "waid",
];

/// Names of members that contain a person's name or other identifying data.
const NAMES: &[&str] = &[
    "address",
    "customername",
    "displaytext",
    "email",
    "emails",
    "firstname",
    "formattedname",
    "fullname",
    "guestname",
    "lastname",
    "notify",
    "profile",
    "pushname",
    "traits",
    "username",
    "verifiedbizname",
];

/// Names of members that contain a person, so that `name` inside is a person's name.
const PERSONS: &[&str] = &["contact", "contacts", "customer", "person", "sender", "user"];

/// Names of members whose `id` is a phone number.
const NUMBERED_BY_PHONE: &[&str] = &["chat", "chats", "contacts", "recipient", "sender", "threads"];

/// Names of members that contain an error.
const ERRORS: &[&str] = &["error", "errordata", "errors"];

/// Whether a member is kept. `parent` is the normalised name of the member that holds the object.
pub(super) fn is_kept(parent: &str, name: &str, value: &Json<'_>, keep: Keep, drop_names: bool) -> bool {
    let is_text = name == "caption" || name == "body" && parent == "text";
    if SECRETS.contains(&name) || is_text {
        return false;
    }
    if is_session(name, value) {
        return true;
    }
    if drop_names && (NAMES.contains(&name) || name == "name" && PERSONS.contains(&parent)) {
        return false;
    }
    if is_message(name, parent) {
        return !matches!(value, Json::String(_));
    }
    keep == Keep::Everything || ERRORS.contains(&parent) || METADATA.contains(&name)
}

/// Whether a member contains messages. The `message` of an error does not.
pub(super) fn is_message(name: &str, parent: &str) -> bool {
    MESSAGES.contains(&name) || name == "message" && !ERRORS.contains(&parent)
}

/// Whether a member contains WASender's session id, which is a credential.
pub(super) fn is_session(name: &str, value: &Json<'_>) -> bool {
    name == "sessionid" || name == "session" && !value.is_object()
}

/// Whether the `id` of an object is a person's phone number.
pub(super) fn is_numbered_by_phone(parent: &str) -> bool {
    NUMBERED_BY_PHONE.contains(&parent)
}

/// Whether members with this name contain phone numbers. Ids of business phone numbers are not phone numbers.
pub(super) fn is_phone_member(name: &str) -> bool {
    PHONES.contains(&name) || name.contains("phone") && !name.contains("id") || name.ends_with("pn")
}

/// Normalises a member's name: lower case, without `_`, `-` and spaces. `API-Key` and `api_key` have the same
/// normalised form.
pub(super) fn normal(key: &str) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(key);
    }
    let kept = key.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    Cow::Owned(kept.map(|c| c.to_ascii_lowercase()).collect())
}
