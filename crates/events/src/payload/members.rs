//! What the names of members tell of what stands under them. Names are compared in their normal form, see [`normal`].

use std::borrow::Cow;

use super::Keep;
use crate::json::Json;

/// Members that hold a credential, in lower case and without `_` and `-`.
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

/// Members under which messages or people's words stand.
const MESSAGES: &[&str] =
    &["conversation", "history", "messageechoes", "messages", "messagebody", "quotedmessage", "threads"];

/// Members of a message that tell nothing of what a person wrote.
const SKELETON: &[&str] = &[
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

/// Members that hold a phone number.
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

/// Members that hold a person's name or what else identifies one.
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

/// Members under which a person stands, so that `name` is a person's name there.
const PERSONS: &[&str] = &["contact", "contacts", "customer", "person", "sender", "user"];

/// Members whose `id` is a phone number.
const NUMBERED_BY_PHONE: &[&str] = &["chat", "chats", "contacts", "recipient", "sender", "threads"];

/// Members under which an error stands.
const ERRORS: &[&str] = &["error", "errordata", "errors"];

/// Whether a member may be kept at all. `parent` is the name of the member that the object stands under.
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
    keep == Keep::Everything || ERRORS.contains(&parent) || SKELETON.contains(&name)
}

/// Whether messages stand under a member. The `message` of an error is none.
pub(super) fn is_message(name: &str, parent: &str) -> bool {
    MESSAGES.contains(&name) || name == "message" && !ERRORS.contains(&parent)
}

/// WASender's sessions are named by a credential.
pub(super) fn is_session(name: &str, value: &Json<'_>) -> bool {
    name == "sessionid" || name == "session" && !value.is_object()
}

/// Whether the `id` of an object is a person's phone number.
pub(super) fn is_numbered_by_phone(parent: &str) -> bool {
    NUMBERED_BY_PHONE.contains(&parent)
}

/// Whether members of that name hold phone numbers; ids of business phone numbers are none.
pub(super) fn is_phone_member(name: &str) -> bool {
    PHONES.contains(&name) || name.contains("phone") && !name.contains("id") || name.ends_with("pn")
}

/// The name of a member in lower case and without `_`, `-` and spaces: `API-Key` and `api_key` mean the same.
pub(super) fn normal(key: &str) -> Cow<'_, str> {
    if key.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Cow::Borrowed(key);
    }
    let kept = key.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    Cow::Owned(kept.map(|c| c.to_ascii_lowercase()).collect())
}
