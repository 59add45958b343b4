//! The columns of every table. To add a column, edit only this file and run `make generate`, which writes the rest.

/// Passes the definition of all tables to the macro of the given name.
///
/// The macro gets the columns that every table starts with, then each table: its name, its variant of
/// [`Table`](crate::Table), the name of its record in `bluetick_events`, its comment, its key and its own columns. A
/// column is `name: Type flags, "comment";`: the types are the variants of [`ColumnType`](crate::ColumnType), the flags
/// are the methods of [`Column`](crate::Column) of the same names. `required` comes first. Without it the column may be
/// null.
///
/// Columns are added at the end of a table, never renamed and never given another type: old files must stay readable.
/// If a column of the key is added to a table with rows, a replay of their raw objects adds these rows a second time,
/// unless the column is null in them. A `required` column can only be added to a table that has no rows yet.
#[macro_export]
macro_rules! with_tables {
    ($callback:ident) => {
        $callback! {
            common {
                event_ts: Timestamp required, "time of the event as the provider states it, else the time of receipt (UTC)";
                provider: String required fixed low_cardinality, "who reported it: meta, woosh, interakt, wasender or tracker";
                account_id: String low_cardinality, "WhatsApp Business account id, tenant id or hashed session id";
                phone_number_id: String low_cardinality, "Meta's id of the business phone number";
                received_at: Timestamp required, "time at which the webhook was received (UTC)";
            }

            table clicks Clicks Click
                "One row per report of a click of a person: reply button, list row, flow, quick reply of a template, link";
            key click_id event_ts;
            columns {
                click_id: String required, "wamid of the click, or a hash of the fields that identify it";
                message_id: String, "id of the clicked message; null if the provider does not report it";
                wa_id: String personal, "phone number of the person: digits only, or a keyed hash";
                user_id: String personal, "business-scoped user id of the person";
                kind: String required low_cardinality,
                    "kind of click: button_reply, list_reply, flow_reply, quick_reply, link_click, landing_page_view, …";
                button_id: String low_cardinality, "id or payload of the button or list row";
                button_text: String low_cardinality, "label of the button or list row";
                description: String low_cardinality, "description of the list row, or component of the link click";
                url: String, "target of the link";
                flow_name: String low_cardinality, "name of the flow reply: flow, address_message, …";
                flow_token: String, "flow token set by the business";
                response_json: String personal, "answer of the flow as JSON; stored only if KEEP_RESPONSE_JSON is true";
                group_id: String low_cardinality, "id of the group in which the person clicked";
                template_name: String low_cardinality, "name of the template, if the provider reports it";
                campaign_id: String low_cardinality, "id of the campaign, if the provider reports it";
                campaign_name: String low_cardinality, "name of the campaign, if the provider reports it";
                callback_data: String, "data that the business attached to the message when sending it";
                referral_source_id: String low_cardinality, "id of the ad or post that led the person to the chat";
                ctwa_clid: String, "click id of the click-to-WhatsApp ad";
                source: String low_cardinality, "the provider's name of the webhook event";
                tracking_token: String, "tracking token of a link in a marketing message";
                link_click_id: String, "click id that Meta added to the opened link";
            }

            table statuses Statuses Status "One row per report of a delivery status of a message that the business sent";
            key message_id status event_ts participant;
            columns {
                message_id: String required recurring, "id of the message";
                status: String required low_cardinality,
                    "sent, delivered, read, played, failed, deleted, …; payment_captured and similar for payments";
                wa_id: String personal recurring, "phone number of the recipient: digits only, or a keyed hash";
                user_id: String personal recurring, "business-scoped user id of the recipient";
                participant: String personal, "group member that the status is about: phone number, its keyed hash, or user id";
                group_id: String low_cardinality, "id of the group that the message was sent to";
                conversation_id: String recurring, "id of the conversation";
                conversation_origin: String low_cardinality, "what opened the conversation: marketing, utility, service, …";
                conversation_expires_at: Timestamp, "end of the conversation (UTC)";
                billable: Boolean, "true if Meta charges for the message";
                pricing_model: String low_cardinality, "Meta's pricing model: PMP, CBP or NBP";
                pricing_type: String low_cardinality, "regular, free_customer_service, …";
                pricing_category: String low_cardinality, "marketing, utility, authentication, service, …";
                error_code: BigInt, "Meta's code of the error, if the message failed";
                error_title: String low_cardinality, "title of the error";
                error_message: String low_cardinality, "message of the error";
                error_details: String low_cardinality, "details of the error";
                template_name: String low_cardinality, "name of the template, if the provider reports it";
                campaign_id: String low_cardinality, "id of the campaign, if the provider reports it";
                campaign_name: String low_cardinality, "name of the campaign, if the provider reports it";
                callback_data: String, "data that the business attached to the message when sending it";
                buttons: StringList low_cardinality,
                    "labels of the message's buttons, in the order shown, if the provider reports them; empty if it has none";
            }

            table sends Sends Send "One row per statement of the application that it sent a message";
            key message_id;
            columns {
                message_id: String required, "id of the message: the wamid that the provider returned when it was sent";
                wa_id: String personal, "phone number of the recipient: digits only, or a keyed hash";
                template_name: String low_cardinality, "name of the template";
                flow_type: String low_cardinality, "rsvp, travel, custom, …; null if the application names none";
                message_type: String low_cardinality, "rsvp, travel, …; null if the application names none";
                standalone: Boolean, "true if the statement names no event; null in a correction that names none";
                event_id: String low_cardinality, "id of the event in the application";
                event_registration_id: String, "id of the guest's registration for the event";
                guest_id: String, "id of the guest in the application";
                guest_name: String personal, "name of the guest; null where phone numbers are hashed";
                ticket_id: String, "id of the ticket in the application, for response times";
                campaign_id: String low_cardinality, "id of the campaign";
                buttons: StringList low_cardinality, "ids of the buttons, in the order shown";
                user_id: String personal, "business-scoped user id of the recipient";
                template_language: String low_cardinality, "language of the template, as in en_US";
                sent_at: Timestamp, "time of sending as the application states it; null if event_ts is the time of receipt (UTC)";
                attributes: StringMap personal, "what else the application states about the message, by name";
                updated_at: Timestamp, "time of this statement if it corrects an earlier one: the latest wins (UTC)";
            }

            table messages Messages Message "One row per inbound message that is not a click; its text is not stored";
            key message_id event_ts;
            columns {
                message_id: String required, "id of the inbound message";
                wa_id: String personal, "phone number of the sender: digits only, or a keyed hash";
                user_id: String personal, "business-scoped user id of the sender";
                r#type: String low_cardinality, "type of the message: text, image, reaction, order, …";
                context_message_id: String, "id of the message that it answers or reacts to";
                group_id: String low_cardinality, "id of the group in which it was sent";
                referral_source_id: String low_cardinality, "id of the ad or post that led the person to the chat";
                referral_source_type: String low_cardinality, "ad or post";
                ctwa_clid: String, "click id of the click-to-WhatsApp ad";
                unsupported_type: String low_cardinality,
                    "original type of an unsupported message; button, interactive or list means a lost click";
                error_code: BigInt, "Meta's code of why the message could not be passed on";
            }

            table account_events AccountEvents AccountEvent
                "One row per provider event that fits no other table: account updates, opt-outs, unreadable webhooks";
            key event_id;
            columns {
                event_id: String required, "SHA-256 of provider, type and content, as hexadecimal";
                r#type: String low_cardinality,
                    "the provider's name of the event; unreadable for a body that could not be parsed";
                payload: String personal, "the event as JSON, without secrets";
                wa_id: String personal, "phone number of the person that the event is about: digits only, or a keyed hash";
                user_id: String personal, "business-scoped user id of the person that the event is about";
                category: String low_cardinality, "what an opt-out is about: marketing_messages";
                preference: String low_cardinality, "stop or resume";
            }
        }
    };
}
