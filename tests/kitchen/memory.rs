//! One node with everything in memory.

use crate::evening::one_node;

#[tokio::test(flavor = "multi_thread")]
async fn in_memory_a_kitchen_with_the_official_client_misses_no_order() {
    one_node(1).await;
}
