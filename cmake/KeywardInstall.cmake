# What cmake --install puts in place: the binaries, the client library with its
# public headers, the protos, and the CMake package `keyward`. The stand-in and
# the tests stay where they are.
include(CMakePackageConfigHelpers)

foreach(binary IN ITEMS keyward keyward-exchange keyward-signer)
  if(TARGET ${binary})
    install(TARGETS ${binary} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  endif()
endforeach()

# In the tree headers are found from its root ("client/claims.h"); installed,
# from the include folder ("keyward/client/claims.h"), so that they do not stand
# in the way of another project's "common/error.h".
set(KEYWARD_PUBLIC_HEADERS
  client/claims.h
  client/claims_for_connection.h
  client/exchange_client.h
  client/https/https_client.h
  client/https/login_hosts.h
  client/reloading_signer_client.h
  client/retry_policy.h
  client/salesforce_error.h
  client/settings.h
  client/signer_client.h
  client/token_exchange.h
  client/tokens/access_tokens.h
  client/tokens/cached_token.h
  client/tokens/circuit_breaker.h
  client/tokens/connection_directory.h
  client/tokens/login.h
  client/tokens/login_budget.h
  client/tokens/scheduler.h
  client/tokens/signer_login.h
  client/tokens/steady_now.h
  client/tokens/thread_scheduler.h
  client/tokens/token_observer.h
  common/error.h
  common/locked_pages.h
  common/mutex.h
  common/secret.h)
foreach(header IN LISTS KEYWARD_PUBLIC_HEADERS)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/${header})
  file(READ ${PROJECT_SOURCE_DIR}/${header} text)
  string(REGEX REPLACE "#include \"(client|common)/" "#include \"keyward/\\1/" text "${text}")
  set(installed ${CMAKE_BINARY_DIR}/installed_headers/${header})
  file(CONFIGURE OUTPUT ${installed} CONTENT "${text}" @ONLY)
  cmake_path(GET header PARENT_PATH folder)
  install(FILES ${installed} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/keyward/${folder})
endforeach()

# google/rpc has the details of errors, which keyward::proto brings compiled.
install(DIRECTORY ${CMAKE_BINARY_DIR}/proto/generated/keyward
                  ${CMAKE_BINARY_DIR}/proto/generated/google
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.pb.h")
install(DIRECTORY ${PROJECT_SOURCE_DIR}/proto/
        DESTINATION ${CMAKE_INSTALL_DATADIR}/keyward/proto
        FILES_MATCHING PATTERN "*.proto")

set_target_properties(keyward_client PROPERTIES EXPORT_NAME client)
set_target_properties(keyward_client_https PROPERTIES EXPORT_NAME client_https)
set_target_properties(keyward_client_tokens PROPERTIES EXPORT_NAME client_tokens)
set_target_properties(keyward_common PROPERTIES EXPORT_NAME common)
set_target_properties(keyward_proto PROPERTIES EXPORT_NAME proto)
target_include_directories(keyward_client
                           INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_compile_features(keyward_client INTERFACE $<INSTALL_INTERFACE:cxx_std_17>)
install(TARGETS keyward_client keyward_client_https keyward_client_tokens keyward_common
                keyward_proto keyward_compile_options
        EXPORT keyward-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/keyward)
install(EXPORT keyward-targets NAMESPACE keyward:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/keyward-config.cmake.in
                              ${CMAKE_BINARY_DIR}/keyward-config.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/keyward-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/keyward-config.cmake
              ${CMAKE_BINARY_DIR}/keyward-config-version.cmake
        DESTINATION ${package_dir})
