// Prometheus's metric families that are worked out at each scrape.
#ifndef KEYWARD_COMMON_SERVER_METRIC_FAMILIES_H_
#define KEYWARD_COMMON_SERVER_METRIC_FAMILIES_H_

#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <string>
#include <vector>

#include "common/server/connection_table.h"

namespace keyward::server {

// The end of the TLS certificate that a daemon shows its callers.
inline constexpr char kTlsCertificateEnd[] = "keyward_tls_certificate_expiry_timestamp_seconds";

// The end of the first list of revoked clients to end.
inline constexpr char kClientCrlEnd[] = "keyward_client_crl_expiry_timestamp_seconds";
inline constexpr char kClientCrlEndHelp[] =
    "First end (nextUpdate) of a CRL in tls.client_crl, in seconds since 1970: from then on its "
    "authority's clients are refused.";

prometheus::MetricFamily GaugeFamily(const char* name, std::string help);

// One without labels.
prometheus::MetricFamily SingleGauge(const char* name, std::string help, double value);

// keyward_client_connections, and keyward_client_connections_turned_away_total{how}: "refused" or
// "displaced".
void AddClientConnections(const ConnectionStats& stats,
                          std::vector<prometheus::MetricFamily>& families);

// keyward_build_info{version} of `daemon`, always 1.
void AddBuildInfo(prometheus::Registry& registry, const char* daemon, const char* version);

}  // namespace keyward::server

#endif  // KEYWARD_COMMON_SERVER_METRIC_FAMILIES_H_
