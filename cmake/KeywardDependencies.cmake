# Everything that Keyward links, from Debian 12's packages. Why each is here is
# in docs/dependencies.md.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(CURL REQUIRED)
find_package(absl CONFIG REQUIRED)
find_package(Protobuf REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(yaml-cpp CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(spdlog CONFIG REQUIRED)
find_package(SQLite3 REQUIRED)
pkg_check_modules(GRPCPP REQUIRED IMPORTED_TARGET grpc++)
pkg_check_modules(LIBP11 REQUIRED IMPORTED_TARGET libp11)
pkg_check_modules(P11KIT REQUIRED IMPORTED_TARGET p11-kit-1)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)
# Its CMake configuration wants every part's dependencies, CivetWeb too.
pkg_check_modules(PROMETHEUS REQUIRED IMPORTED_TARGET prometheus-cpp-core)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)
find_library(GRPCPP_REFLECTION grpc++_reflection REQUIRED)

# SOCI's Debian package has no CMake configuration of its own.
find_path(SOCI_INCLUDE_DIR soci/soci.h REQUIRED)
find_library(SOCI_CORE soci_core REQUIRED)
find_library(SOCI_SQLITE3 soci_sqlite3 REQUIRED)
add_library(soci INTERFACE)
target_include_directories(soci SYSTEM INTERFACE ${SOCI_INCLUDE_DIR} ${SOCI_INCLUDE_DIR}/soci)
target_link_libraries(soci INTERFACE ${SOCI_SQLITE3} ${SOCI_CORE} SQLite::SQLite3 ${CMAKE_DL_LIBS})
# Debian built SOCI with Boost, but libsoci-dev does not bring it. Boost adds only
# header templates for Boost's own types, so SOCI's configuration is given here
# without it, in place of soci/soci-config.h.
target_compile_definitions(soci INTERFACE SOCICONFIG_H_INCLUDED SOCI_HAVE_CXX11
                                          SOCI_HAVE_VISIBILITY_SUPPORT)
