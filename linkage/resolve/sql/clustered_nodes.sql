-- Each record with the cluster it fell into; node_clusters(node, cluster) comes from resolve_clusters.
CREATE OR REPLACE TEMP TABLE clustered_nodes AS SELECT n.*, c.cluster FROM nodes n JOIN node_clusters c USING (node);
