#pragma once

#include "annals/json.h"
#include "orders/order.h"

namespace orders {

BOOST_DESCRIBE_STRUCT(item, (), (product, quantity, unit_price))

BOOST_DESCRIBE_STRUCT(created, (), (customer, country, currency, items, total))
BOOST_DESCRIBE_STRUCT(paid, (), (payment_id, amount))
BOOST_DESCRIBE_STRUCT(shipped, (), (tracking_number))
BOOST_DESCRIBE_STRUCT(delivered, (), (delivered_at))
BOOST_DESCRIBE_STRUCT(cancelled, (), (reason))

BOOST_DESCRIBE_STRUCT(create, (), (customer, country, currency, items))
BOOST_DESCRIBE_STRUCT(pay, (), (payment_id, amount))
BOOST_DESCRIBE_STRUCT(ship, (), (tracking_number))
BOOST_DESCRIBE_STRUCT(deliver, (), (delivered_at))
BOOST_DESCRIBE_STRUCT(cancel, (), (reason))

BOOST_DESCRIBE_ENUM(status, none, created, paid, shipped, delivered, cancelled)

}  // namespace orders
