#pragma once

#include "connection.h"
#include "group_statement.h"

namespace annals {
inline namespace v1 {
namespace postgres {

/// The statements of a store that need nothing but its names.
struct store_statements {
  explicit store_statements(const sql_names& names);

  statement head;             ///< newest position and its event
  statement event_at;         ///< event_id; of a position
  statement stream;           ///< name, retention, newest version and position; of a key
  statement tail;             ///< a stream to its end; of key, name, version, limit, shape
  statement stream_forwards;  ///< a page; of key, aggregate_id, versions from and to, limit
  statement stream_backwards;
  statement after_snapshot;  ///< as stream_forwards, behind the snapshot of a shape
  statement snapshot;        ///< the newest that is of this history; of key, aggregate_id, shape
  statement save_snapshot;
  statement store_forwards;  ///< a page; of positions first and last, limit
  statement store_backwards;
  statement any_retained;    ///< whether any stream has retention
  statement payload_at;      ///< of a position
  statement holes;           ///< that cover a position
  statement command;         ///< what is remembered of a command id
  statement commands;        ///< of several
  statement list;            ///< streams by name
  statement first_recorded;  ///< first version recorded at or after a time; of aggregate, category
  statement steps;           ///< of history, by the position they come after

 private:
  void make_of_streams(const sql_names& names);
  void make_of_store(const sql_names& names);
};

}  // namespace postgres
}  // namespace v1
}  // namespace annals
