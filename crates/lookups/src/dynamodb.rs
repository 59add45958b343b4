//! The look-up store on AWS: a DynamoDB table with one item per message.
//!
//! An update reads the items (eventually consistent, at half the cost), merges, and writes each changed item on
//! condition that no other writer has changed it since. If the condition fails, it reads again with strong
//! consistency. An outdated read can only make the condition fail, never lose an update. The attributes other than
//! `item` are the keys of the indexes. They change only when the application reports something about a message, so a
//! delivery status causes no index write.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::retry::RetryConfig;
use aws_sdk_dynamodb::config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, KeysAndAttributes, WriteRequest};
use aws_smithy_http_client::tls::{Provider as TlsProvider, rustls_provider::CryptoMode};
use futures::{StreamExt, TryStreamExt, stream};

use crate::fact::Update;
use crate::filter::{Filter, Index, Position};
use crate::item::Item;
use crate::registers::Merge;
use crate::store::{Entry, LookupStore, StoreError};

/// Maximum number of keys per `BatchGetItem`
/// (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html).
const GET_KEYS: usize = 100;
/// Maximum number of requests per `BatchWriteItem`
/// (docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html).
const WRITE_REQUESTS: usize = 25;
/// Maximum number of concurrent calls for one request.
const PARALLEL_CALLS: usize = 16;
/// Maximum number of attempts to write an item that others write, too, or to read throttled keys.
const ATTEMPTS: u32 = 10;
/// Wait before the first retry; doubled each time.
const FIRST_WAIT: Duration = Duration::from_millis(5);
/// Number of index partitions for messages that have no other index key. DynamoDB allows 1,000 writes a second per
/// partition.
const SHARDS: u8 = 8;
/// Maximum bytes of an indexed attribute; DynamoDB allows 2,048 for a key. Longer values are found by their prefix
/// and then compared.
const KEY_BYTES: usize = 1_024;
/// Maximum time of one attempt at a call, and of a call with its retries.
const ATTEMPT_TIMEOUT: Duration = Duration::from_millis(1_000);
const CALL_TIMEOUT: Duration = Duration::from_millis(2_500);

const MESSAGE_ID: &str = "message_id";
const ITEM: &str = "item";
const VERSION: &str = "version";
const EXPIRES_AT: &str = "expires_at";
/// Sort key of every index: the message sent last comes first; messages sent at the same time are ordered by id.
const ORDER: &str = "list_order";

/// Partition key of the index of all messages: whether they are standalone, and a shard number.
const SHARD: &str = "list_shard";

type Attributes = HashMap<String, AttributeValue>;

/// An item as it was read, with its version.
type Read = (Item, u64);

/// A look-up store in a DynamoDB table.
pub struct DynamoStore {
    client: Client,
    table: String,
    keep_seconds: i64,
}

/// Result of one attempt to write an item.
enum Written {
    Done,
    /// Another writer has changed the item since it was read.
    Outdated,
}

impl DynamoStore {
    /// Creates the store for `table`. DynamoDB deletes an item `keep_days` after its last known event.
    pub fn new(config: &aws_config::SdkConfig, table: &str, keep_days: u32) -> Self {
        let timeouts =
            TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT_TIMEOUT).operation_timeout(CALL_TIMEOUT).build();
        let config = aws_sdk_dynamodb::config::Builder::from(config)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(3).with_initial_backoff(FIRST_WAIT))
            .build();
        Self {
            client: Client::from_conf(config),
            table: table.to_owned(),
            keep_seconds: i64::from(keep_days) * 24 * 3_600,
        }
    }

    /// As [`DynamoStore::new`], with region and credentials from the environment.
    pub async fn connect(table: &str, keep_days: u32) -> Self {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(TlsProvider::Rustls(CryptoMode::Ring)).build_https();
        Self::new(&aws_config::from_env().http_client(http).load().await, table, keep_days)
    }

    async fn read(&self, message_ids: &[String], consistent: bool) -> Result<HashMap<String, Read>, StoreError> {
        let mut found = HashMap::new();
        for chunk in message_ids.chunks(GET_KEYS) {
            let mut keys: Vec<Attributes> = chunk.iter().map(|id| key(id)).collect();
            for attempt in 0..ATTEMPTS {
                wait(attempt).await;
                let wanted = KeysAndAttributes::builder()
                    .set_keys(Some(keys))
                    .consistent_read(consistent)
                    .projection_expression("message_id, #item, version")
                    .expression_attribute_names("#item", ITEM)
                    .build()
                    .map_err(StoreError::unavailable)?;
                let answer =
                    self.client.batch_get_item().request_items(&self.table, wanted).send().await.map_err(fault)?;
                let rows = answer.responses.unwrap_or_default().remove(&self.table).unwrap_or_default();
                for row in rows {
                    let (message_id, item) = parse(&row)?;
                    found.insert(message_id, item);
                }
                let left = answer.unprocessed_keys.unwrap_or_default().remove(&self.table);
                keys = left.map(|left| left.keys).unwrap_or_default();
                if keys.is_empty() {
                    break;
                }
            }
            if !keys.is_empty() {
                return Err(StoreError::unavailable("reads are throttled"));
            }
        }
        Ok(found)
    }

    /// Merges one update into its item. `read` is the item from the first read, if there was one.
    async fn apply_one(&self, update: Update, mut read: Option<Read>) -> Result<Entry, StoreError> {
        let Update { message_id, item: added } = update;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                wait(attempt).await;
                read = self.read(std::slice::from_ref(&message_id), true).await?.remove(&message_id);
            }
            let (before, version) = read.take().unzip();
            let mut item = before.clone().unwrap_or_default();
            item.merge(added.clone());
            if before.as_ref() == Some(&item) {
                return Ok((message_id, item));
            }
            if let Written::Done = self.write(&message_id, &item, version).await? {
                return Ok((message_id, item));
            }
        }
        Err(StoreError::unavailable("an item is written by too many at once"))
    }

    async fn write(&self, message_id: &str, item: &Item, version: Option<u64>) -> Result<Written, StoreError> {
        let attributes = self.attributes(message_id, item, new_version())?;
        let condition = version.map_or("attribute_not_exists(message_id)", |_| "version = :version");
        let values =
            version.map(|version| HashMap::from([(":version".to_owned(), AttributeValue::N(version.to_string()))]));
        let written = self
            .client
            .put_item()
            .table_name(&self.table)
            .set_item(Some(attributes))
            .condition_expression(condition)
            .set_expression_attribute_values(values)
            .send()
            .await;
        match written {
            Ok(_) => Ok(Written::Done),
            Err(error)
                if matches!(error.as_service_error(), Some(PutItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(Written::Outdated)
            }
            Err(error) => Err(fault(error)),
        }
    }

    async fn delete_version(&self, message_id: &str, version: u64) -> Result<Written, StoreError> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.table)
            .set_key(Some(key(message_id)))
            .condition_expression("version = :version")
            .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(Written::Done),
            Err(error)
                if matches!(error.as_service_error(), Some(DeleteItemError::ConditionalCheckFailedException(_))) =>
            {
                Ok(Written::Outdated)
            }
            Err(error) => Err(fault(error)),
        }
    }

    fn attributes(&self, message_id: &str, item: &Item, version: u64) -> Result<Attributes, StoreError> {
        let text = serde_json::to_string(item).map_err(StoreError::unavailable)?;
        let mut attributes = key(message_id);
        attributes.insert(ITEM.to_owned(), AttributeValue::S(text));
        attributes.insert(VERSION.to_owned(), AttributeValue::N(version.to_string()));
        if let Some(last) = item.last_fact_at.get() {
            let expires_at = last.div_euclid(1_000).saturating_add(self.keep_seconds);
            attributes.insert(EXPIRES_AT.to_owned(), AttributeValue::N(expires_at.to_string()));
        }
        if !item.is_known() {
            // Without the sort key the item is in no index.
            return Ok(attributes);
        }
        attributes.insert(ORDER.to_owned(), AttributeValue::S(order(&Position::of(message_id, item))));
        let texts = [
            ("registration_id", item.registration_id.get().map(String::as_str)),
            ("event_id", item.event_id.get().map(String::as_str)),
            ("guest_id", item.guest_id.get().map(String::as_str)),
            ("recipient_id", item.recipient_id()),
            ("template_name", item.template_name.get().map(String::as_str)),
        ];
        // Attributes of an index must not be empty strings.
        for (name, value) in
            texts.into_iter().filter_map(|(name, value)| Some((name, value.filter(|v| !v.is_empty())?)))
        {
            attributes.insert(name.to_owned(), AttributeValue::S(index_key(value).to_owned()));
        }
        let shard = shard_name(item.is_standalone(), shard_of(message_id));
        attributes.insert(SHARD.to_owned(), AttributeValue::S(shard));
        Ok(attributes)
    }

    /// Lists ids of messages in one partition of an index, in order, that meet the filter's conditions on indexed
    /// attributes.
    async fn list_partition(
        &self,
        partition: &Partition,
        filter: &Filter,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let (conditions, values) = conditions(partition, filter, after);
        let mut found = Vec::new();
        let mut start = None;
        loop {
            let left = i32::try_from(limit - found.len()).unwrap_or(i32::MAX);
            let answer = self
                .client
                .query()
                .table_name(&self.table)
                .index_name(partition.index)
                .key_condition_expression("#partition = :partition AND list_order > :after")
                .expression_attribute_names("#partition", partition.attribute)
                .set_filter_expression(conditions.clone())
                .set_expression_attribute_values(Some(values.clone()))
                .projection_expression("message_id, list_order")
                // With a filter expression, the limit would apply to items read, not to items found.
                .set_limit(conditions.is_none().then_some(left))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(fault)?;
            for row in answer.items.unwrap_or_default() {
                found.push((text(&row, ORDER)?, text(&row, MESSAGE_ID)?));
            }
            start = answer.last_evaluated_key;
            if start.is_none() || found.len() >= limit {
                break;
            }
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn delete(&self, keys: Vec<Attributes>) -> Result<(), StoreError> {
        for chunk in keys.chunks(WRITE_REQUESTS) {
            self.delete_chunk(chunk).await?;
        }
        Ok(())
    }

    async fn delete_chunk(&self, keys: &[Attributes]) -> Result<(), StoreError> {
        let mut requests = Vec::with_capacity(keys.len());
        for key in keys {
            let delete = DeleteRequest::builder().set_key(Some(key.clone())).build();
            requests.push(WriteRequest::builder().delete_request(delete.map_err(StoreError::unavailable)?).build());
        }
        for attempt in 0..ATTEMPTS {
            wait(attempt).await;
            let answer =
                self.client.batch_write_item().request_items(&self.table, requests).send().await.map_err(fault)?;
            let left = answer.unprocessed_items.unwrap_or_default().remove(&self.table);
            match left {
                Some(left) if !left.is_empty() => requests = left,
                _ => return Ok(()),
            }
        }
        Err(StoreError::unavailable("writes are throttled"))
    }

    /// Lists the first `limit` messages of an index after the position `after`: their ids and positions.
    async fn list_index(
        &self,
        filter: &Filter,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let partitions = partitions(filter);
        let lists: Vec<_> =
            partitions.iter().map(|partition| self.list_partition(partition, filter, after, limit)).collect();
        let lists: Vec<Vec<_>> = stream::iter(lists).buffered(PARALLEL_CALLS).try_collect().await?;
        let mut found: Vec<(String, String)> = lists.into_iter().flatten().collect();
        found.sort_unstable();
        found.truncate(limit);
        Ok(found)
    }
}

/// One partition of an index.
struct Partition {
    index: &'static str,
    attribute: &'static str,
    value: String,
}

/// The index partitions that contain the messages of a filter.
fn partitions(filter: &Filter) -> Vec<Partition> {
    let (index, value) = filter.index();
    let (index, attribute) = match index {
        Index::Registration => ("by_registration", "registration_id"),
        Index::Event => ("by_event", "event_id"),
        Index::Guest => ("by_guest", "guest_id"),
        Index::Recipient => ("by_recipient", "recipient_id"),
        Index::Template => ("by_template", "template_name"),
        Index::Standalone => ("by_standalone", SHARD),
    };
    if let Some(value) = value {
        return vec![Partition { index, attribute, value: index_key(value).to_owned() }];
    }
    let kinds = filter.standalone.map_or_else(|| vec![true, false], |kind| vec![kind]);
    let shards = kinds.into_iter().flat_map(|kind| (0..SHARDS).map(move |shard| shard_name(kind, shard)));
    shards.map(|value| Partition { index, attribute, value }).collect()
}

/// The filter's conditions on text attributes, except the one that the index already covers.
fn other_conditions<'f>(filter: &'f Filter, decided: &str) -> Vec<(&'static str, &'f str)> {
    [
        ("registration_id", &filter.registration_id),
        ("event_id", &filter.event_id),
        ("guest_id", &filter.guest_id),
        ("recipient_id", &filter.recipient_id),
        ("template_name", &filter.template_name),
    ]
    .into_iter()
    .filter(|(attribute, _)| *attribute != decided)
    .filter_map(|(attribute, value)| Some((attribute, value.as_deref()?)))
    .collect()
}

/// The filter expression for conditions that the index does not cover, if there are any, and the attribute values of
/// all conditions.
fn conditions(partition: &Partition, filter: &Filter, after: &str) -> (Option<String>, Attributes) {
    let mut values = HashMap::from([
        (":partition".to_owned(), AttributeValue::S(partition.value.clone())),
        (":after".to_owned(), AttributeValue::S(after.to_owned())),
    ]);
    let mut conditions = Vec::new();
    for (attribute, value) in other_conditions(filter, partition.attribute) {
        conditions.push(format!("{attribute} = :{attribute}"));
        values.insert(format!(":{attribute}"), AttributeValue::S(index_key(value).to_owned()));
    }
    if let Some(is_standalone) = filter.standalone.filter(|_| partition.attribute != SHARD) {
        conditions.push("begins_with(list_shard, :kind)".to_owned());
        values.insert(":kind".to_owned(), AttributeValue::S(kind_name(is_standalone).to_owned()));
    }
    ((!conditions.is_empty()).then(|| conditions.join(" AND ")), values)
}

fn index_key(value: &str) -> &str {
    value.get(..value.floor_char_boundary(KEY_BYTES)).unwrap_or(value)
}

fn shard_of(message_id: &str) -> u8 {
    message_id.bytes().fold(0u8, u8::wrapping_add) % SHARDS
}

/// The name of a shard. Standalone and other messages have separate shards.
fn shard_name(is_standalone: bool, shard: u8) -> String {
    format!("{}{shard}", kind_name(is_standalone))
}

fn kind_name(is_standalone: bool) -> &'static str {
    if is_standalone { "standalone" } else { "other" }
}

fn order(position: &Position) -> String {
    format!("{:016x}#{}", i64::MAX - position.sent_at.max(0), position.message_id)
}

/// A random version number. No other version of an item has it, not even one that was deleted and created again.
fn new_version() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn key(message_id: &str) -> Attributes {
    HashMap::from([(MESSAGE_ID.to_owned(), AttributeValue::S(message_id.to_owned()))])
}

fn text(row: &Attributes, name: &str) -> Result<String, StoreError> {
    let value = row.get(name).and_then(|value| value.as_s().ok());
    value.cloned().ok_or_else(|| StoreError::Unusable(format!("an item has no text {name}")))
}

fn parse(row: &Attributes) -> Result<(String, Read), StoreError> {
    let item = serde_json::from_str(&text(row, ITEM)?)
        .map_err(|error| StoreError::Unusable(format!("an item cannot be read: {error}")))?;
    let version = row.get(VERSION).and_then(|value| value.as_n().ok()).and_then(|version| version.parse().ok());
    let version = version.ok_or_else(|| StoreError::Unusable("an item has no version".to_owned()))?;
    Ok((text(row, MESSAGE_ID)?, (item, version)))
}

async fn wait(attempt: u32) {
    if attempt > 0 {
        tokio::time::sleep(FIRST_WAIT.saturating_mul(2u32.saturating_pow(attempt - 1))).await;
    }
}

/// Classifies an error. Missing permissions and wrong table names count as unavailable, like throttling: the operator
/// can fix them, and no data is lost.
fn fault<E, R>(error: SdkError<E, R>) -> StoreError
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    match error.code() {
        Some(code) => StoreError::unavailable(format!("DynamoDB answered {code}")),
        None => StoreError::unavailable(error),
    }
}

#[async_trait]
impl LookupStore for DynamoStore {
    async fn apply(&self, updates: Vec<Update>) -> Result<Vec<Entry>, StoreError> {
        let ids: Vec<String> = updates.iter().map(|update| update.message_id.clone()).collect();
        let mut found = self.read(&ids, false).await?;
        let writes = updates.into_iter().map(|update| {
            let read = found.remove(&update.message_id);
            self.apply_one(update, read)
        });
        let writes: Vec<_> = writes.collect();
        stream::iter(writes).buffered(PARALLEL_CALLS).try_collect().await
    }

    async fn get(&self, message_ids: &[String]) -> Result<Vec<Entry>, StoreError> {
        // A batch must not contain a key twice.
        let mut unique = message_ids.to_vec();
        unique.sort_unstable();
        unique.dedup();
        let found = self.read(&unique, true).await?;
        Ok(found.into_iter().map(|(message_id, (item, _))| (message_id, item)).collect())
    }

    async fn list(&self, filter: &Filter, after: Option<&Position>, limit: usize) -> Result<Vec<Entry>, StoreError> {
        let mut after = after.map_or_else(|| "0".to_owned(), order);
        let mut entries = Vec::new();
        loop {
            let found = self.list_index(filter, &after, limit - entries.len()).await?;
            let is_last = found.len() < limit - entries.len();
            let Some((last, _)) = found.last() else { return Ok(entries) };
            after = last.clone();
            let ids: Vec<String> = found.into_iter().map(|(_, message_id)| message_id).collect();
            let mut page = self.get(&ids).await?;
            // Items are read after the index, so drop those that no longer match the filter.
            page.retain(|(_, item)| filter.matches(item));
            page.sort_by_cached_key(|(id, item)| order(&Position::of(id, item)));
            entries.extend(page);
            if is_last || entries.len() >= limit {
                return Ok(entries);
            }
        }
    }

    async fn replace(&self, message_id: &str, before: &Item, after: Option<Item>) -> Result<bool, StoreError> {
        let read = self.read(&[message_id.to_owned()], true).await?.remove(message_id);
        let Some((_, version)) = read.filter(|(item, _)| item == before) else { return Ok(false) };
        let written = match after {
            Some(item) => self.write(message_id, &item, Some(version)).await?,
            None => self.delete_version(message_id, version).await?,
        };
        Ok(matches!(written, Written::Done))
    }

    async fn clear(&self) -> Result<(), StoreError> {
        let mut start = None;
        loop {
            let answer = self
                .client
                .scan()
                .table_name(&self.table)
                .projection_expression(MESSAGE_ID)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(fault)?;
            self.delete(answer.items.unwrap_or_default()).await?;
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(());
            }
        }
    }
}
