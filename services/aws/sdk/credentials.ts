export { fromHttp, fromInstanceMetadata, fromLoginCredentials, fromSSO } from '@aws-sdk/credential-providers';
